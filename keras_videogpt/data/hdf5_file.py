"""Reading HDF5 files, by h5py or by tensorflow-io."""

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.paths import is_remote

READERS = ("auto", "h5py", "tensorflow-io")
REMOTE_BLOCK = 2**20


def open_hdf5(path: Path, reader: str = "auto") -> Any:
    """Opens an HDF5 file for reading.

    Args:
        path: what `as_path` returned.
        reader: `"h5py"`; `"tensorflow-io"`, which works with TensorFlow 2.16 and 2.17 and reads
            local files; or `"auto"`: the first where it is installed, else the second.

    Returns:
        A mapping from the names of arrays to what has their `shape` and `dtype`, and gives rows
        when it is sliced, as h5py's data sets do.

    Raises:
        ValueError: unknown reader, or not an HDF5 file.
        ImportError: the reader is missing, or does not work with this TensorFlow.

    Example:

    >>> open_hdf5(Path("robots.hdf5"))["train_data"].shape
    (1000, 64, 64, 3)
    """
    if reader not in READERS:
        raise ValueError(f"`reader` must be one of {READERS}. Received: reader={reader!r}")
    if reader == "auto":
        alone = _is_installed("tensorflow_io") and not _is_installed("h5py")
        reader = "tensorflow-io" if alone else "h5py"
    try:
        if reader == "tensorflow-io":
            return TensorFlowIOFile(path)
        h5py = optional_import("h5py", "hdf5")
        if is_remote(path):
            remote: Any = path
            file = remote.open("rb", block_size=REMOTE_BLOCK, cache_type="blockcache")
            return h5py.File(file, "r")
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{str(path)!r} is not an HDF5 file: {error}") from error


class TensorFlowIOFile(Mapping):
    """The arrays of a local HDF5 file, read by tensorflow-io; see `open_hdf5`.

    Args:
        path: the file.

    Raises:
        ImportError: tensorflow-io is missing, or does not work with this TensorFlow.
        OSError: not an HDF5 file.
    """

    def __init__(self, path: Path) -> None:
        if is_remote(path):
            raise ValueError(f"tensorflow-io reads local HDF5 files. Received: {path}; take h5py")
        tensorflow, tensorflow_io = (
            optional_import(name, "tfio") for name in ("tensorflow", "tensorflow_io")
        )
        try:
            arrays = tensorflow_io.IOTensor.from_hdf5(str(path))
        except NotImplementedError as error:  # the import succeeds where nothing works
            raise ImportError(
                "tensorflow-io reads HDF5 with TensorFlow 2.16 and 2.17 only; this is "
                f"{tensorflow.__version__}. Take h5py: pip install 'keras_videogpt[hdf5]'"
            ) from error
        except tensorflow.errors.OpError as error:
            raise OSError(error.message) from error
        self._arrays = {
            name.numpy().decode().lstrip("/"): TensorFlowIOArray(arrays(name.numpy().decode()))
            for name in arrays.keys
        }

    def __getitem__(self, name: str) -> "TensorFlowIOArray":
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __enter__(self) -> "TensorFlowIOFile":
        return self

    def __exit__(self, *error: object) -> None:
        """Does nothing: tensorflow-io keeps files open."""


class TensorFlowIOArray:
    """An array in an HDF5 file, read by tensorflow-io as far as it is sliced.

    Args:
        array: one of the elements of `tensorflow_io.IOTensor.from_hdf5`.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape = tuple(int(side) for side in array.shape)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(array.dtype.as_numpy_dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._array[rows.start : rows.stop].numpy()[:: rows.step]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._array.to_tensor().numpy(), dtype)


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
