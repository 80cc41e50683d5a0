"""One way in for every kind of video source."""

import os

from keras_videogpt.data.hdf5_videos import HDF5Videos
from keras_videogpt.data.prepared import prepared_folders
from keras_videogpt.data.store import VideoStore
from keras_videogpt.data.tfds_videos import TFDSVideos
from keras_videogpt.data.video_folder import VideoFolder
from keras_videogpt.data.video_index import VIDEO_EXTENSIONS
from keras_videogpt.paths import as_path
from keras_videogpt.presets.data_sets import DATA_SETS

HDF5_EXTENSIONS = (".h5", ".hdf5")
TFDS_PREFIX = "tfds:"


def open_videos(path: str | os.PathLike, split: str = "train") -> VideoStore:
    """Opens a source of videos, on disk or remote.

    Args:
        path: a folder of videos (see `VideoFolder`); an .h5 or .hdf5 file in the original
            VideoGPT's format (see `HDF5Videos`); `tfds:NAME` for a data set of TensorFlow Datasets
            (see `TFDSVideos`); or the name of a data preset that was prepared with
            `keras-videogpt data prepare`. Addresses such as `s3://bucket/videos` are read where
            they are.
        split: `"train"`, `"valid"` or `"test"`. Where there is no validation split, the test split
            takes its place.

    Returns:
        A `VideoStore`.

    Raises:
        FileNotFoundError: nothing there, no video in it, or a preset that is not prepared.
        ValueError: a file of another kind, or nothing in it can be used.

    Example:

    >>> store = open_videos("videos", split="test")
    """
    accepted = (
        f"a folder of videos ({', '.join(VIDEO_EXTENSIONS)}), an HDF5 file "
        f"({', '.join(HDF5_EXTENSIONS)}), {TFDS_PREFIX}NAME, or a data preset "
        f"({', '.join(DATA_SETS)})"
    )
    source = resolve_source(path)
    if source.startswith(TFDS_PREFIX):
        return TFDSVideos(source.removeprefix(TFDS_PREFIX), split)
    path = as_path(source)
    if path.is_dir():
        return VideoFolder(path, split)
    if not path.exists():
        raise FileNotFoundError(f"There is nothing at {str(path)!r}; needed: {accepted}")
    if path.suffix.lower() in HDF5_EXTENSIONS:
        return HDF5Videos(path, "test" if split == "valid" else split)
    raise ValueError(f"`path` must be {accepted}. Received: path={str(path)!r}")


def held_out(path: str | os.PathLike) -> dict[str, VideoStore]:
    """The splits that are not trained on: `"valid"`, where there is one, and `"test"`.

    Args:
        path: as `open_videos` takes it.

    Example:

    >>> sorted(held_out("videos"))
    ['test']
    """
    splits = {split: open_videos(path, split) for split in ("valid", "test")}
    if splits["valid"].name(0) == splits["test"].name(0):
        del splits["valid"]  # the test split took its place
    return splits


def resolve_source(path: str | os.PathLike) -> str:
    """Where a source of videos is, the same from every working directory.

    Args:
        path: as `open_videos` takes it. What is there as a file or folder comes before a preset.

    Returns:
        An absolute path, or `tfds:NAME`.

    Raises:
        FileNotFoundError: a data preset that is not prepared.

    Example:

    >>> resolve_source("tfds:moving_mnist")
    'tfds:moving_mnist'
    """
    name = str(path)
    if name.startswith(TFDS_PREFIX):
        return name
    if name in DATA_SETS and not as_path(path).exists():
        folder = prepared_folders().get(name)
        if folder is None:
            raise FileNotFoundError(
                f"{name} is a data preset that is not prepared on this machine; do it with: "
                f"keras-videogpt data prepare {name} --out DIR"
            )
        return str(folder)
    return str(as_path(path).resolve())
