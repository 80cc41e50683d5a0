"""Keys and values of the positions decoded so far: where decoding differs by backend.

A sequence is decoded in runs of a few positions. What finished runs left is in the cache, which a
run reads and does not change; its own keys and values are in arrays of its length, and go to the
cache at its end. So no step copies the cache, and no step attends to positions that are not there.

The cache is cut into segments of equal length. A run reads full segments as they are, and of its
own what is filled: PyTorch sees it as a view, TensorFlow copies it once a run, and JAX, whose
compiled functions have fixed shapes, reads all of it and masks the rest. PyTorch and TensorFlow
write in place, JAX to a donated array.
"""

import keras
from keras import ops


def empty_cache(sequences: int, length: int, channels: int, dtype, segments: int = 1) -> list:
    """Zeroed keys and values of `length` positions.

    Batch and heads are one axis, the sequences: products of batches of matrices are several times
    faster on PyTorch with one axis of batches than with two.

    Returns:
        Of every segment its keys and values: two `(sequences, length / segments, channels)`.
    """
    shape = (sequences, length // segments, channels)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def zeros():
            return tf.Variable(tf.zeros(shape, dtype), trainable=False)
    else:

        def zeros():
            return ops.zeros(shape, dtype)

    return [(zeros(), zeros()) for _ in range(segments)]


def filled_parts(cache: list, first, segment: int) -> list:
    """Keys, values, and a mask over positions or `None`, of what is filled below `first`.

    Args:
        cache: the segments.
        first: number of positions that are filled; an integer, or a scalar tensor.
        segment: the segment that position `first` is in, an integer.
    """
    parts = [(keys, values, None) for keys, values in cache[:segment]]
    keys, values = cache[segment]
    filled = first - segment * keys.shape[1]
    if keras.backend.backend() == "jax":
        return [*parts, (keys, values, ops.arange(keys.shape[1]) < filled)]
    return [*parts, (keys[:, :filled], values[:, :filled], None)]


def write_run(cache: list, run: tuple, first, segment: int) -> list:
    """The cache with the keys and values of a run written from position `first` on.

    Args:
        cache: the segments.
        run: keys and values `(sequences, R, channels)`, all within one segment.
        first, segment: as for `filled_parts`.
    """
    index = first - segment * cache[segment][0].shape[1]
    if keras.backend.backend() == "tensorflow":
        for array, entries in zip(cache[segment], run, strict=True):
            array[:, index : index + entries.shape[1]].assign(entries)
        return cache
    written = write(cache[segment], run, index)
    return [*cache[:segment], written, *cache[segment + 1 :]]


def write(arrays: tuple, entries: tuple, index) -> tuple:
    """Keys and values with those of consecutive positions written from `index` on.

    Args:
        arrays: keys and values `(sequences, L, channels)`.
        entries: keys and values `(sequences, positions, channels)`.
        index: the first position; an integer, or a scalar tensor.
    """
    if keras.backend.backend() == "torch":
        for array, entry in zip(arrays, entries, strict=True):
            array[:, index : index + entry.shape[1]] = entry
        return arrays
    return tuple(
        ops.slice_update(array, (0, index, 0), entry)
        for array, entry in zip(arrays, entries, strict=True)
    )


def attend(query, past: list, run: tuple, index):
    """Attention of one position to those before its run, and to those of the run up to itself.

    Args:
        query: float `(sequences, channels)`.
        past: parts, each keys and values `(sequences, P, channels)`, and a mask `(P,)` or `None`.
        run: keys and values `(sequences, R, channels)`.
        index: its position in the run; an integer, or a scalar tensor.

    Returns:
        Tensor `(sequences, channels)`.
    """
    keys, values = run
    if isinstance(index, int):
        parts = [*past, (keys[:, : index + 1], values[:, : index + 1], None)]
    else:
        parts = [*past, (keys, values, ops.arange(keys.shape[1]) <= index)]
    # Keys on the left, times a transposed row: PyTorch takes several times longer otherwise.
    query = ops.swapaxes((query * query.shape[-1] ** -0.5)[:, None], 1, 2)
    scores = ops.concatenate([_scores(query, keys, mask) for keys, _, mask in parts], axis=1)
    # Not over an axis of length 1, of which Keras warns.
    scores = ops.swapaxes(scores, 1, 2)  # (sequences, 1, P + R)
    weights = ops.softmax(scores, axis=-1) if scores.shape[-1] != 1 else ops.ones_like(scores)
    weights = ops.cast(weights, query.dtype)
    attended, start = 0, 0
    for _, values, _ in parts:
        end = start + ops.shape(values)[1]
        attended = attended + weights[..., start:end] @ values
        start = end
    return attended[:, 0]


def _scores(query, keys, mask):
    scores = ops.cast(keys @ query, "float32")
    return scores if mask is None else ops.where(mask[:, None], scores, -1e9)
