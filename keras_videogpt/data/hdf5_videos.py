"""The HDF5 format of the original VideoGPT as a store."""

import math
import os
from collections.abc import Mapping
from io import FileIO
from typing import Any

import numpy as np

from keras_videogpt.data.hdf5_file import open_hdf5
from keras_videogpt.data.read_into import read_into
from keras_videogpt.data.store import VideoStore
from keras_videogpt.paths import as_path, is_remote


class HDF5Videos(VideoStore):
    """Videos in an HDF5 file of the original VideoGPT's format.

    Data sets in the file, for each split:

    - `{split}_data`: uint8 (N, H, W, 3), the frames of all videos one after the other;
    - `{split}_idx`: int (videos,), the row at which each video starts, rising;
    - `{split}_actions`, optional: float (N, A), the action of each frame;
    - `{split}_labels`, optional: int (videos,), labels from 0.

    The file is opened at the first read, once in each process, and may be pickled while in use.
    Frames that lie in it in one piece, neither compressed nor in chunks, are read without HDF5:
    straight to where they shall be, by several threads at once.

    Args:
        path: the .h5 or .hdf5 file, local or remote.
        split: `"train"`, `"test"` or any other split in the file.
        reader: `"auto"`, `"h5py"` or `"tensorflow-io"`, see `open_hdf5`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an HDF5 file, no such split, or arrays of the wrong kind.
        ImportError: the reader is missing, or does not work here.

    Example:

    >>> store = HDF5Videos("robots.hdf5", split="train")
    >>> store.frames(0, count=16).shape
    (16, 64, 64, 3)
    """

    def __init__(self, path: str | os.PathLike, split: str = "train", reader: str = "auto") -> None:
        self.path = as_path(path)
        self._name = f"{self.path.name}:{split}"
        self.split = split
        self.reader = reader
        self.skipped = []
        self._arrays: dict[str, Any] = {}
        self._process: int | None = None
        self._file: FileIO | None = None
        if not self.path.is_file():
            raise FileNotFoundError(f"`path` must be an HDF5 file. Received: path={str(path)!r}")
        with open_hdf5(self.path, reader) as file:
            self._read_layout(file)

    def _read_layout(self, file: Mapping[str, Any]) -> None:
        splits = sorted(key[: -len("_data")] for key in file if key.endswith("_data"))
        if self.split not in splits:
            raise ValueError(
                f"`split` must be one of those in {self.path}: {splits}. "
                f"Received: split={self.split!r}"
            )
        data = file[f"{self.split}_data"]
        if data.dtype != np.uint8 or data.ndim != 4 or data.shape[-1] != 3:
            raise ValueError(
                f"`{self.split}_data` must be uint8 (N, H, W, 3). "
                f"Received: {data.dtype} {data.shape}"
            )
        if f"{self.split}_idx" not in file:
            raise ValueError(f"`{self.split}_idx` (the start of each video) is missing")
        starts = np.asarray(file[f"{self.split}_idx"])
        rises = starts.ndim == 1 and starts.dtype.kind in "iu" and np.all(np.diff(starts) > 0)
        if not rises or not len(starts) or starts[0] < 0 or starts[-1] >= len(data):
            raise ValueError(
                f"`{self.split}_idx` must be rising int row numbers below {len(data)}, one a "
                f"video. Received: {starts.dtype} {starts.shape}, {starts[:5]}..."
            )
        self._bounds = [*starts.tolist(), len(data)]
        self._read_actions(file, len(data))
        self._read_labels(file, len(starts))

    def _read_actions(self, file: Mapping[str, Any], rows: int) -> None:
        actions = file.get(f"{self.split}_actions")
        if actions is None:
            return
        if actions.ndim != 2 or len(actions) != rows or actions.dtype.kind not in "fiu":
            raise ValueError(
                f"`{self.split}_actions` must be numbers ({rows}, A). "
                f"Received: {actions.dtype} {actions.shape}"
            )
        self.action_size = actions.shape[1]

    def _read_labels(self, file: Mapping[str, Any], videos: int) -> None:
        if f"{self.split}_labels" not in file:
            return
        labels = np.asarray(file[f"{self.split}_labels"])
        if labels.shape != (videos,) or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise ValueError(
                f"`{self.split}_labels` must be int ({videos},), 0 or more. "
                f"Received: {labels.dtype} {labels.shape}"
            )
        # Both splits share one table, so that a label means the same in each.
        highest = max(int(np.max(file[key])) for key in file if key.endswith("_labels"))
        self.class_names = tuple(str(label) for label in range(highest + 1))
        self._labels = labels

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def num_frames(self, index: int) -> int:
        return self._bounds[index + 1] - self._bounds[index]

    def frames(
        self,
        index: int,
        start: int = 0,
        count: int | None = None,
        stride: int = 1,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        rows, data = self._rows(index, start, count, stride), self._array("data")
        if out is not None and stride == 1 and self._read_into(out, rows.start):
            return out
        return data[rows]

    def name(self, index: int) -> str:
        return f"{self._name}[{index}]"

    def label(self, index: int) -> int | None:
        return int(self._labels[index]) if self.has_labels else None

    def actions(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray | None:
        if not self.has_actions:
            return None
        rows = self._rows(index, start, count, stride)
        return self._array("actions")[rows].astype("float32")

    def _rows(self, index: int, start: int, count: int | None, stride: int) -> slice:
        wanted = self.frame_slice(index, start, count, stride)
        first = self._bounds[index]
        return slice(first + wanted.start, first + wanted.stop, wanted.step)

    def _read_into(self, out: np.ndarray, row: int) -> bool:
        """Reads the rows from `row` on into an array, if they lie in the file as they are."""
        file = self._file  # held: another thread may be opening it too
        if file is None or out.shape[1:] != self._frame_shape:
            return False
        return read_into(file, out, self._offset + row * self._frame_bytes)

    def _array(self, name: str) -> Any:
        # A handle must not cross a fork; threads share one, both readers lock by themselves.
        if self._process != os.getpid():
            file = open_hdf5(self.path, self.reader)
            names = ("data", "actions") if self.has_actions else ("data",)
            self._arrays = {each: file[f"{self.split}_{each}"] for each in names}
            self._open_raw(self._arrays["data"])
            self._process = os.getpid()
        return self._arrays[name]

    def _open_raw(self, data: Any) -> None:
        """Opens the file as bytes if the frames lie in it one after the other."""
        self._frame_shape = data.shape[1:]
        self._frame_bytes = math.prod(self._frame_shape)
        self._offset = data.id.get_offset() if hasattr(data, "id") else None
        in_one_piece = self._offset is not None and not is_remote(self.path)
        self._file = open(self.path, "rb", buffering=0) if in_one_piece else None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_arrays": {}, "_process": None, "_file": None}
