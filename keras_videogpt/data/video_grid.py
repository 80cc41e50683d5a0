"""Videos side by side in one picture."""

import math
import os

import numpy as np
from PIL import Image

from keras_videogpt.paths import as_path, write_file


def tile_videos(videos: np.ndarray, columns: int | None = None, padding: int = 2) -> np.ndarray:
    """Lays videos side by side in a grid, row by row, on white.

    Args:
        videos: uint8 array (n, T, H, W, 3).
        columns: videos in a row; `None` for a grid as square as it can be.
        padding: pixels between two videos.

    Returns:
        uint8 array (T, H', W', 3).

    Raises:
        ValueError: an array of another kind.

    Example:

    >>> tile_videos(np.zeros((4, 16, 64, 64, 3), "uint8")).shape
    (16, 130, 130, 3)
    """
    check_videos(videos, 5, "videos", "(n, T, H, W, 3)")
    count, frames, height, width, channels = videos.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = -(-count // columns)
    step_y, step_x = height + padding, width + padding
    shape = (frames, rows * step_y - padding, columns * step_x - padding, channels)
    grid = np.full(shape, 255, "uint8")
    for index, video in enumerate(videos):
        top, left = index // columns * step_y, index % columns * step_x
        grid[:, top : top + height, left : left + width] = video
    return grid


def contact_sheet(videos: np.ndarray, path: str | os.PathLike) -> None:
    """Writes a picture of videos: a row a video, its frames from left to right.

    Args:
        videos: uint8 array (n, T, H, W, 3).
        path: the .png file, local or remote, replaced.

    Raises:
        ValueError: an array of another kind.

    Example:

    >>> contact_sheet(samples, "samples.png")
    """
    check_videos(videos, 5, "videos", "(n, T, H, W, 3)")
    frames = videos.reshape(-1, 1, *videos.shape[2:])
    picture = Image.fromarray(tile_videos(frames, columns=videos.shape[1])[0])
    write_file(as_path(path), picture.save)


def check_videos(videos: np.ndarray, rank: int, name: str, shape: str) -> None:
    """Makes sure that an array holds RGB videos.

    Args:
        videos: the array.
        rank: number of dimensions it must have.
        name: the argument's name, for the error.
        shape: the shape it must have, for the error.

    Raises:
        ValueError: not uint8, another shape, or empty.

    Example:

    >>> check_videos(np.zeros((16, 64, 64, 3), "uint8"), 4, "video", "(T, H, W, 3)")
    """
    if videos.dtype != np.uint8 or videos.ndim != rank or videos.shape[-1] != 3:
        raise ValueError(f"`{name}` must be uint8 {shape}. Received: {videos.dtype} {videos.shape}")
    if 0 in videos.shape:
        raise ValueError(f"`{name}` must hold at least one frame. Received: {videos.shape}")
