"""Keys and values of the positions decoded so far: where decoding differs by backend.

A sequence is decoded in runs of a few positions. What finished runs left is in the cache, which a
run reads and does not change; its own keys and values are in arrays of its length, and go to the
cache at its end. So no step copies the cache, and no step attends to positions that are not there.

PyTorch and TensorFlow write into the cache in place and read its filled part. JAX, whose compiled
functions have fixed shapes, reads a part that is at least that long, and masks the rest.
"""

import keras
from keras import ops


def empty_cache(sequences: int, length: int, channels: int, dtype) -> tuple:
    """Zeroed keys and values of `length` positions: two `(sequences, length, channels)`.

    Batch and heads are one axis, the sequences: products of batches of matrices are several times
    faster on PyTorch with one axis of batches than with two.
    """
    shape = (sequences, length, channels)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tuple(tf.Variable(tf.zeros(shape, dtype), trainable=False) for _ in range(2))
    return ops.zeros(shape, dtype), ops.zeros(shape, dtype)


def filled_part(cache: tuple, first, span: int) -> tuple:
    """Keys and values of the positions below `first`, and a mask over them or `None`.

    Args:
        cache: keys and values.
        first: number of positions that are filled; an integer, or a scalar tensor.
        span: an integer that `first` is not above; what JAX reads.
    """
    keys, values = cache
    if keras.backend.backend() == "jax":
        return keys[:, :span], values[:, :span], ops.arange(span) < first
    return keys[:, :first], values[:, :first], None


def write(arrays: tuple, entries: tuple, index) -> tuple:
    """Keys and values with those of consecutive positions written from `index` on.

    Args:
        arrays: keys and values `(sequences, L, channels)`.
        entries: keys and values `(sequences, positions, channels)`.
        index: the first position; an integer, or a scalar tensor.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        for array, entry in zip(arrays, entries, strict=True):
            array[:, index : index + entry.shape[1]] = entry
        return arrays
    if backend == "tensorflow" and hasattr(arrays[0], "assign"):
        for array, entry in zip(arrays, entries, strict=True):
            array[:, index : index + entry.shape[1]].assign(entry)
        return arrays
    return tuple(
        ops.slice_update(array, (0, index, 0), entry)
        for array, entry in zip(arrays, entries, strict=True)
    )


def attend(query, past: tuple, run: tuple, index):
    """Attention of one position to those before its run, and to those of the run up to itself.

    Args:
        query: float `(sequences, channels)`.
        past: keys and values `(sequences, P, channels)`, and a mask `(P,)` or `None`.
        run: keys and values `(sequences, R, channels)`.
        index: its position in the run; an integer, or a scalar tensor.

    Returns:
        Tensor `(sequences, channels)`.
    """
    keys, values, mask = past
    run_keys, run_values = run
    if isinstance(index, int):
        run_keys, run_values = run_keys[:, : index + 1], run_values[:, : index + 1]
    # Keys on the left, times a transposed row: PyTorch takes several times longer otherwise.
    query = ops.swapaxes((query * query.shape[-1] ** -0.5)[:, None], 1, 2)
    scores = ops.concatenate([ops.matmul(keys, query), ops.matmul(run_keys, query)], axis=1)
    scores = ops.cast(scores, "float32")  # (sequences, P + R, 1)
    visible = _visible(ops.shape(keys)[1], mask, run_keys.shape[1], index)
    if visible is not None:
        scores = ops.where(visible[:, None], scores, -1e9)
    # Not ops.softmax, which warns of the one position there is at first.
    weights = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))
    weights = ops.swapaxes(weights / ops.sum(weights, axis=1, keepdims=True), 1, 2)
    weights = ops.cast(weights, values.dtype)
    before = ops.shape(keys)[1]
    attended = ops.matmul(weights[..., :before], values)
    attended = attended + ops.matmul(weights[..., before:], run_values)
    return attended[:, 0]


def _visible(past: int, past_mask, run: int, index):
    """A mask over past and run, or `None` where all of both is visible."""
    if isinstance(index, int) and past_mask is None:
        return None
    if past_mask is None:
        past_mask = ops.ones((past,), "bool")
    return ops.concatenate([past_mask, ops.arange(run) <= index], axis=0)
