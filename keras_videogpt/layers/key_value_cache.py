"""Keys and values of the positions decoded so far: where decoding differs by backend.

A sequence is decoded in runs of a few positions. PyTorch writes every position to the cache and
attends to a view of what is filled. TensorFlow and JAX compile a run, for fixed shapes: it reads
the cache, with what is not filled masked, and keeps keys and values of its own positions in short
arrays, which go to the cache at its end. So no step copies the cache. It grows as it fills, so that
little of what is read is masked.
"""

import keras
from keras import ops

from keras_videogpt.layers.slice_update import slice_update
from keras_videogpt.typing import Tensor

# PyTorch copies slices for products in bfloat16. An allocation above 32 MiB is new memory at every
# step, several times slower.
MOST_COPIED = 16 * 2**20
# For every new length, PyTorch's products in bfloat16 are compiled anew, and kept.
ROUND_LENGTH = 32


def empty_cache(sequences: int, length: int, channels: int, dtype: str) -> tuple:
    """Zeroed keys and values, two `(sequences, length, channels)`.

    Batch and heads are one axis, the sequences: products of batches of matrices are several times
    faster on PyTorch with one axis of batches than with two.
    """
    return tuple(ops.zeros((sequences, length, channels), dtype) for _ in range(2))


def grow(cache: tuple, length: int) -> tuple:
    """Keys and values with zeros behind them, up to `length` positions."""
    return tuple(_grow(array, length) for array in cache)


def _grow(array, length):
    # One array at a time is there twice: a cache of many layers grows in little more than its room.
    more = length - array.shape[1]
    return ops.pad(array, ((0, 0), (0, more), (0, 0)))


def begin_run(cache: tuple, first: Tensor, steps: int) -> tuple:
    """What the positions of a run attend to.

    Args:
        cache: keys and values `(sequences, L, channels)`, filled below `first`.
        first: the run's first position; an integer, or a scalar tensor in a compiled function.
        steps: number of positions.

    Returns:
        The past, which does not change: keys, values and the mask of those to attend to, or `None`;
        the run, keys and values with room for its own; and the place of the first of these.
    """
    keys, values = cache
    if keras.backend.backend() == "torch":
        return None, (keys, values), first
    empty = ops.zeros((ops.shape(keys)[0], steps, keys.shape[2]), keys.dtype)
    return (keys, values, ops.arange(keys.shape[1]) < first), (empty, empty), 0


def end_run(cache: tuple, entries: tuple, first: Tensor) -> tuple:
    """The cache with the keys and values of a run written to it.

    Args:
        cache: as it was given to `begin_run`.
        entries: the run's own keys and values `(sequences, steps, channels)`.
        first: the run's first position; an integer, or a scalar tensor in a compiled function.
    """
    return write(cache, entries, first)


def write(arrays: tuple, entries: tuple, index: Tensor) -> tuple:
    """Keys and values with those of consecutive positions written from `index` on.

    Args:
        arrays: keys and values `(sequences, L, channels)`; PyTorch writes into them.
        entries: keys and values `(sequences, positions, channels)`.
        index: the first position; an integer, or a scalar tensor in a compiled function.
    """
    if keras.backend.backend() == "torch":
        for array, entry in zip(arrays, entries, strict=True):
            array[:, index : index + entry.shape[1]] = entry
        return arrays
    return tuple(
        slice_update(array, entry, index, axis=1)
        for array, entry in zip(arrays, entries, strict=True)
    )


def attend(query: Tensor, past: tuple | None, run: tuple, index: Tensor) -> Tensor:
    """Attention of one position to the past of its run, and to the run up to itself.

    Args:
        query: float `(sequences, channels)`.
        past: keys and values `(sequences, P, channels)` and a mask `(P,)`, or `None`.
        run: keys and values `(sequences, R, channels)`.
        index: its place in the run; an integer, or a scalar tensor in a compiled function.

    Returns:
        Tensor `(sequences, channels)`.
    """
    keys, values = run
    if keras.backend.backend() == "torch":
        return _attend_on_torch(query, keys, values, index + 1)
    mask = ops.arange(keys.shape[1]) <= index
    return attend_to_parts(query, [*([] if past is None else [past]), (keys, values, mask)])


def attend_to_all(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Attention of one position to some keys `(sequences, P, channels)` and their values.

    Args:
        query: float `(sequences, channels)`.
        keys, values: float `(sequences, P, channels)`, of as many channels each as they may have.
        mask: bool `(sequences, P)`, `True` for those to attend to; `None` for all.

    Returns:
        Tensor `(sequences, channels)`.
    """
    if keras.backend.backend() == "torch":
        return _attend_on_torch(query, keys, values, keys.shape[1], mask)
    return attend_to_parts(query, [(keys, values, True if mask is None else mask)])


def _attend_on_torch(query, keys, values, filled, mask=None):
    import torch

    # Without Keras's checks, and keys on the left, times a transposed row: several times faster.
    query = (query * query.shape[-1] ** -0.5)[:, None].transpose(1, 2)
    seen = ROUND_LENGTH * -(-filled // ROUND_LENGTH)
    scores = _products(keys[:, :seen], query).transpose(1, 2)
    scores[:, :, filled:] = -torch.inf
    if mask is not None:
        scores = scores.float().masked_fill(~mask[:, None], -1e9)
    weights = torch.softmax(scores, -1, dtype=torch.float32).to(values.dtype)
    return _products(weights, values[:, :seen])[:, 0]


def _products(left, right):
    """Products of a batch of matrices, of parts of it at a time where they are copied."""
    import torch

    at_once = MOST_COPIED * len(left) // max(left.nbytes, right.nbytes)
    if left.dtype == torch.float32 or at_once >= len(left):
        return torch.bmm(left, right)
    parts = zip(left.split(max(1, at_once)), right.split(max(1, at_once)), strict=True)
    return torch.cat([torch.bmm(*part) for part in parts])


def attend_to_parts(query: Tensor, parts: list[tuple]) -> Tensor:
    """Attention of one position to keys and values that lie in several arrays.

    Args:
        query: float `(sequences, channels)`.
        parts: of each array of positions keys and values `(sequences, P, channels)`, and a mask of
            those to attend to, `(P,)`, `(sequences, P)` or `True` for all.

    Returns:
        Tensor `(sequences, channels)`.
    """
    query = (query * query.shape[-1] ** -0.5)[:, :, None]
    scores = [
        ops.where(mask, ops.cast(keys @ query, "float32")[:, :, 0], -1e9) for keys, _, mask in parts
    ]
    weights = ops.cast(ops.softmax(ops.concatenate(scores, axis=1), axis=1), query.dtype)
    attended: Tensor = 0
    start = 0
    for _, values, _ in parts:
        end = start + values.shape[1]
        attended = attended + weights[:, None, start:end] @ values
        start = end
    return attended[:, 0]
