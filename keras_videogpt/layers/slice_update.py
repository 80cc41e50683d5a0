"""Writing consecutive rows of an array, in functions that XLA compiles and in plain graphs.

Keras's `slice_update` is an operation of XLA on TensorFlow. In a loop that XLA compiles it writes
in place; outside of one it is slow, and a server need not have it.
"""

import contextlib
import contextvars
from collections.abc import Iterator

from keras import ops

from keras_videogpt.typing import Tensor

_PLAIN = contextvars.ContextVar("plain", default=False)


@contextlib.contextmanager
def plain_operations() -> Iterator[None]:
    """Within it, `slice_update` is built of operations that every TensorFlow graph may have."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def slice_update(array: Tensor, rows: Tensor, start: Tensor, axis: int = 0) -> Tensor:
    """An array with some of its rows replaced.

    Args:
        array: tensor of any shape.
        rows: tensor of the same shape, but for its axis `axis`: the new rows.
        start: place of the first of them; an integer, or a scalar tensor in a compiled function.
        axis: which axis rows are along.

    Returns:
        Tensor of the shape of `array`.

    Example:
        >>> updated = slice_update(ops.zeros((2, 4)), ops.ones((2, 2)), 1, axis=1)
        >>> ops.convert_to_numpy(updated[0]).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    if not _PLAIN.get():
        return ops.slice_update(array, (*[0] * axis, start, *[0] * (array.ndim - axis - 1)), rows)
    before = (slice(None),) * axis
    parts = [array[(*before, slice(0, start))], rows]
    parts.append(array[(*before, slice(start + rows.shape[axis], None))])
    return ops.reshape(ops.concatenate(parts, axis=axis), ops.shape(array))
