"""One way in for every kind of video source on disk."""

import os

from keras_videogpt.data.hdf5_videos import HDF5Videos
from keras_videogpt.data.store import VideoStore
from keras_videogpt.data.video_folder import VideoFolder
from keras_videogpt.data.video_index import VIDEO_EXTENSIONS
from keras_videogpt.paths import as_path

HDF5_EXTENSIONS = (".h5", ".hdf5")


def open_videos(path: str | os.PathLike, split: str = "train") -> VideoStore:
    """Opens a source of videos, on disk or remote.

    Args:
        path: a folder of videos (see `VideoFolder`), or an .h5 or .hdf5 file in the original
            VideoGPT's format (see `HDF5Videos`). Addresses such as `s3://bucket/videos` are read
            where they are.
        split: `"train"` or `"test"`.

    Returns:
        A `VideoStore`.

    Raises:
        FileNotFoundError: nothing there, or no video in it.
        ValueError: a file of another kind, or nothing in it can be used.

    Example:

    >>> store = open_videos("videos", split="test")
    """
    path = as_path(path)
    accepted = (
        f"a folder of videos ({', '.join(VIDEO_EXTENSIONS)}) or an HDF5 file "
        f"({', '.join(HDF5_EXTENSIONS)})"
    )
    if path.is_dir():
        return VideoFolder(path, split)
    if not path.exists():
        raise FileNotFoundError(f"There is nothing at {str(path)!r}; needed: {accepted}")
    if path.suffix.lower() in HDF5_EXTENSIONS:
        return HDF5Videos(path, split)
    raise ValueError(f"`path` must be {accepted}. Received: path={str(path)!r}")
