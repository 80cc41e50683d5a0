"""`keras-videogpt sample --out FOLDER`: a file for every clip, as soon as its batch is finished."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.video_writer import write_mp4
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.paths import write_file
from keras_videogpt.sampling.controls import check_seed
from keras_videogpt.sampling.sample_batches import sample_batches

SETTINGS = "sampling.json"


def sample_into_folder(
    model: VideoGPT, folder: Path, n: int, settings: dict, **options: Any
) -> int:
    """Samples clips into `clip_00000.mp4` and so on; those that are there already stay.

    Interrupted at any time, the same command goes on behind the last clip; with a larger `n` it
    makes more. The settings are kept beside the clips, so that all of them have the same.

    Args:
        model: the prior.
        folder: made if it isn't there.
        n: number of clips.
        settings: what clips depend on, and JSON can say; with the seed, `None` for any.
        **options: other arguments of `sample_batches`.

    Returns:
        The number of clips sampled now.

    Raises:
        ValueError: the folder holds clips of other settings, or something else.
        ImportError: PyAV is missing.
    """
    optional_import("av", "video")
    seed = _seed_of(folder, settings)
    first = 0
    while _clip(folder, first).exists():
        first += 1
    if first >= n:
        return 0
    written = first
    for clips, _ in sample_batches(model, n, seed=seed, first_clip=first, **options):
        for clip in clips:
            write_file(_clip(folder, written), partial(write_mp4, video=clip))
            written += 1
    return written - first


def _clip(folder, index):
    return folder / f"clip_{index:05d}.mp4"


def _seed_of(folder, settings):
    """The seed of the folder's clips; new settings are written, others than there were refused."""
    path = folder / SETTINGS
    if path.exists():
        there = json.loads(path.read_text())
        given = {**settings, "seed": there["seed"]} if settings["seed"] is None else settings
        for name, value in given.items():
            if there.get(name) != value:
                raise ValueError(
                    f"{folder} holds clips with {name} {there.get(name)}; got {value}. "
                    "Give the same, or another folder."
                )
        return there["seed"]
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is a folder with other files; give a new one.")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**settings, "seed": check_seed(settings["seed"])}
    write_file(path, lambda file: file.write_text(json.dumps(settings, indent=2) + "\n"))
    return settings["seed"]
