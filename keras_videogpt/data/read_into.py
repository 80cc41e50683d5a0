"""Reading a part of a file into an array."""

import os
from io import FileIO

import numpy as np


def read_into(file: FileIO, out: np.ndarray, offset: int) -> bool:
    """Fills an array with the bytes of a file from some place on.

    Threads and forked processes may share the file: its own position plays no part.

    Args:
        file: the file, opened with `buffering=0`.
        out: array in one piece.
        offset: the place, in bytes.

    Returns:
        Whether the file had as many bytes.

    Example:

    >>> read_into(open("frames.raw", "rb", buffering=0), np.empty((16, 64, 64, 3), "uint8"), 0)
    True
    """
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [out.data], offset) == out.nbytes
    with open(file.name, "rb", buffering=0) as own:
        own.seek(offset)
        return own.readinto(out.data) == out.nbytes
