"""Writing HDF5 files in the format of the original VideoGPT."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.store import VideoStore
from keras_videogpt.paths import write_file


def write_hdf5(
    path: str | os.PathLike,
    stores: Mapping[str, VideoStore],
    recording: dict[str, Any] | None = None,
) -> None:
    """Writes videos of one size with their actions and labels, as `HDF5Videos` reads them.

    The videos are copied one by one; the file appears once it is whole.

    Args:
        path: the .h5 or .hdf5 file, replaced.
        stores: the videos of each split, by its name: `"train"`, `"test"`.
        recording: JSON-able facts about where they are from, kept in the file.

    Raises:
        ImportError: h5py is missing.
        ValueError: videos of different sizes.

    Example:

    >>> write_hdf5("clips.hdf5", {"train": ArrayVideos(np.zeros((2, 9, 64, 64, 3), "uint8"))})
    """
    h5py = optional_import("h5py", "hdf5")

    def write(hidden: Path) -> None:
        with h5py.File(hidden, "w") as file:
            file.attrs["recording"] = json.dumps(recording or {})
            for split, store in stores.items():
                _write_split(file, split, store)

    write_file(Path(path), write)


def recording_of(path: str | os.PathLike) -> dict[str, Any]:
    """Reads back what `write_hdf5` was told about where the videos are from.

    Args:
        path: an .h5 or .hdf5 file.

    Returns:
        The facts; an empty dictionary for a file that holds none.

    Raises:
        ImportError: h5py is missing.

    Example:

    >>> recording_of("clips.hdf5")
    {}
    """
    try:
        with optional_import("h5py", "hdf5").File(path, "r") as file:
            return json.loads(file.attrs.get("recording", "{}"))
    except (OSError, ValueError):
        return {}


def _write_split(file: Any, split: str, store: VideoStore) -> None:
    lengths = [store.num_frames(index) for index in range(len(store))]
    starts = np.cumsum([0, *lengths])
    size = store.frames(0, count=1).shape[1:]
    data = file.create_dataset(f"{split}_data", (starts[-1], *size), "uint8")
    file[f"{split}_idx"] = starts[:-1]
    if store.has_actions:
        shape = (starts[-1], store.action_size)
        actions = file.create_dataset(f"{split}_actions", shape, "float32")
    if store.has_labels:
        file[f"{split}_labels"] = [store.label(index) for index in range(len(store))]
    for index, (start, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        frames = store.frames(index)
        if frames.shape[1:] != size:
            raise ValueError(
                f"`stores` must hold videos of one size, here {size}. "
                f"Received: {store.name(index)} of {frames.shape[1:]}"
            )
        data[start:stop] = frames
        if store.has_actions:
            actions[start:stop] = store.actions(index)
