"""A picture of the clips that a model does best and worst on."""

import os

import numpy as np
from PIL import Image, ImageDraw

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.video_grid import tile_videos
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, write_file

LABEL_HEIGHT = 14
EXTREMES = 3


def labelled_strips(rows: list[tuple[str, np.ndarray]], path: str | os.PathLike) -> None:
    """Writes a picture of clips, frames from left to right, under a line of text for each row.

    Args:
        rows: the text, and uint8 clips `(n, T, H, W, 3)` below each other.
        path: the .png file, replaced.

    Example:
        >>> labelled_strips([("black", np.zeros((1, 4, 16, 16, 3), "uint8"))], "clips.png")
        >>> Image.open("clips.png").size
        (70, 30)
    """
    pictures = []
    for text, clips in rows:
        frames = clips.reshape(-1, 1, *clips.shape[2:])
        strip = tile_videos(frames, columns=clips.shape[1])[0]
        label = Image.new("RGB", (strip.shape[1], LABEL_HEIGHT), "white")
        ImageDraw.Draw(label).text((2, 1), text, fill="black")
        pictures += [np.asarray(label), strip]
    picture = Image.fromarray(np.concatenate(pictures))
    write_file(as_path(path), picture.save)


def extreme_rows(
    tokenizer: VQVAE, clips: Clips, order: np.ndarray, values: np.ndarray, unit: str, words: tuple
) -> list[tuple[str, np.ndarray]]:
    """The held-out clips of the highest and the lowest values, over their reconstructions.

    Args:
        tokenizer: makes the reconstructions.
        clips: the clips.
        order: indices of the clips that were measured.
        values: a number for each of these.
        unit: of the numbers.
        words: for a high and for a low value, such as `("best", "worst")`.

    Returns:
        Rows for `labelled_strips`, the highest first.
    """
    ranks = np.argsort(-values, kind="stable")
    few = min(EXTREMES, len(ranks) // 2) or 1
    rows = []
    for word, places in zip(words, (ranks[:few], ranks[few:][-few:]), strict=True):
        for place in places:
            index = int(order[place])
            video = np.array(clips[index]["video"])[None]
            pair = np.concatenate([video, to_uint8(tokenizer.decode(tokenizer.encode(video)))])
            rows.append((f"{word}: {values[place]:.2f} {unit}, {clips.name(index)}", pair))
    return rows
