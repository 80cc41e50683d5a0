"""Memory for batches, used again."""

import math
import weakref
from threading import Lock

import numpy as np

ALIGNMENT = 64
SMALLEST = 2**16


class BatchMemory:
    """Gives arrays to read batches into, out of memory whose former users are gone.

    Fresh memory costs more than what is read into it: the kernel clears it page by page. An array
    is never given out again while anything holds it, a view of it, or a tensor that shares its
    memory. Its data are aligned so that TensorFlow and JAX can take it without a copy. May be
    called from several threads.

    Args:
        arrays: how many arrays of a name to keep; where more are in use, the rest are new ones.

    Example:

    >>> memory = BatchMemory(arrays=4)
    >>> memory.empty("video", (8, 16, 64, 64, 3), "uint8").shape
    (8, 16, 64, 64, 3)
    """

    def __init__(self, arrays: int) -> None:
        self.arrays = arrays
        self._lock = Lock()
        self._kept: dict[str, list[tuple[bytearray, weakref.ref]]] = {}

    def empty(self, name: str, shape: tuple[int, ...], dtype: np.dtype | str) -> np.ndarray:
        """An array with arbitrary content.

        Args:
            name: what it is for; arrays of one name should be of about one size.
            shape: its shape.
            dtype: its dtype.

        Returns:
            The array.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        with self._lock:
            kept = self._kept.setdefault(name, [])
            unused = (place for place, (_, user) in enumerate(kept) if user() is None)
            place = next(unused, len(kept))
            memory = kept[place][0] if place < len(kept) else bytearray()
            if len(memory) < size + ALIGNMENT:
                memory = bytearray(size + ALIGNMENT)
            offset = -np.frombuffer(memory, "uint8").ctypes.data % ALIGNMENT
            # Its views hold this very array: their base is never looked for behind it, as its own
            # base is no array.
            array = np.ndarray(shape, dtype, memory, offset)
            if place < self.arrays:
                kept[place : place + 1] = [(memory, weakref.ref(array))]
        return array
