"""Reads pickles of NumPy arrays, as the weights of Flax models are stored, as data."""

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.convert.pickle_reader import Refusal, describe, read_pickle, refusals
from keras_videogpt.convert.stored_tensor import MAX_DIMENSIONS, are_counts

PLAIN_DTYPES = re.compile("f[248]|[iu][1248]|b1")


class _Dtype:
    """What stands for a `numpy.dtype`."""

    def __init__(self, name, *_):
        if type(name) is not str or not PLAIN_DTYPES.fullmatch(name):
            raise Refusal("holds an array that is not of plain numbers.")
        self.dtype = np.dtype(name)

    def set_state(self, state):
        _, byte_order, subdtype, names, fields, *_ = state
        if byte_order not in ("<", ">", "|") or (subdtype, names, fields) != (None, None, None):
            raise Refusal("holds an array that is not of plain numbers.")
        self.dtype = self.dtype.newbyteorder(byte_order)


class _Array:
    """What stands for a `numpy.ndarray`: a view of bytes of the pickle, once it has a state."""

    view = None

    def set_state(self, state):
        _, shape, dtype, is_fortran, data = state
        if not (
            type(shape) is tuple
            and len(shape) <= MAX_DIMENSIONS
            and are_counts(*shape)
            and isinstance(dtype, _Dtype)
            and type(data) in (bytes, bytearray)
        ):
            raise Refusal("is damaged: it holds an array without a valid shape, dtype and data.")
        if math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise Refusal(f"is damaged: an array of shape {shape} is of {len(data)} bytes.")
        view = np.frombuffer(data, dtype.dtype)
        self.view = view.reshape(shape, order="F" if is_fortran else "C")


def _array(data, dtype, shape, is_fortran=False):
    array = _Array()
    array.set_state((1, shape, dtype, is_fortran, data))
    return array


def _from_buffer(data, dtype, shape, order, *_):
    return _array(data, dtype, shape, order == "F")


CONSTRUCTORS: dict[str, Callable[..., Any]] = {"numpy.dtype": _Dtype}
for _core in ("numpy.core", "numpy._core"):  # before NumPy 2, and since
    CONSTRUCTORS |= {
        f"{_core}.multiarray._reconstruct": lambda array_type, shape, typecode: _Array(),
        f"{_core}.multiarray.scalar": lambda dtype, data: _array(data, dtype, ()),
        f"{_core}.numeric._frombuffer": _from_buffer,
    }


def _no_persistent_id(persistent_id):
    raise Refusal("refers to data outside of the file.")


def read_numpy_pickle(path: str | os.PathLike) -> dict:
    """Reads a pickle of NumPy arrays in (nested) dicts, without unpickling it.

    The file need not be trusted: nothing in it is imported or executed, and no more memory is used
    than what its size justifies.

    Args:
        path: a pickle of protocol 3 or later.

    Returns:
        The dicts, with the arrays of their dtypes in the byte order of this machine. They are not
        to be written to.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else, is damaged, or calls a function.

    Example:
        >>> import pickle
        >>> with open("weights.pkl", "wb") as file:
        ...     pickle.dump({"dense": {"bias": np.arange(3)}}, file)
        >>> read_numpy_pickle("weights.pkl")
        {'dense': {'bias': array([0, 1, 2])}}

    Source: `ndarray.__reduce__` and `ndarray.__setstate__` of NumPy.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if not path.is_file():
        raise ValueError(f"{path} is no file.")
    with refusals(path):
        data = path.read_bytes()
        content = read_pickle(data, CONSTRUCTORS, _no_persistent_id)
        if type(content) is not dict:
            raise Refusal(f"holds {describe(content)}, not a dict of arrays.")
        _put_arrays(content, len(data))
    return content


def _put_arrays(content: dict, max_bytes: int) -> None:
    """Replaces what stands for arrays by the arrays, in a dict and the dicts in it."""
    dicts, seen, arrays = [content], {id(content)}, {}
    while dicts:
        target = dicts.pop()
        for key, value in target.items():
            if type(key) is not str:
                raise Refusal(f"holds a dict with {describe(key)} as a key, not with names.")
            if type(value) is dict:
                if id(value) in seen:
                    raise Refusal("holds a dict that is in several places, which is not supported.")
                seen.add(id(value))
                dicts.append(value)
            elif isinstance(value, _Array) and value.view is not None:
                if id(value) not in arrays:
                    max_bytes -= value.view.nbytes
                    if max_bytes < 0:  # bytes used over and over
                        raise Refusal("holds arrays of more bytes than the file has.")
                    dtype = value.view.dtype.newbyteorder("=")
                    arrays[id(value)] = value.view.astype(dtype, copy=False)
                target[key] = arrays[id(value)]
            else:
                raise Refusal(f"holds {describe(value)} where an array or a dict is expected.")
