import math

import keras
import numpy as np
from keras import ops

from keras_videogpt.typing import Tensor

MINUS_INFINITY = -1e9


def block_sparse_attention(query: Tensor, key: Tensor, value: Tensor, layout: np.ndarray) -> Tensor:
    """Causal attention restricted to blocks of the sequence, at the cost of the kept blocks.

    A diagonal of the layout, "every block attends to the one `offset` before it", is one product of
    batches of blocks, without gathers: strided layouts have few diagonals. The gradient is written
    out, so that per diagonal scores are computed again instead of kept.

    Args:
        query, key, value: float `(B, L, heads, channels)`.
        layout: bool `(blocks, blocks)`, lower triangular with its diagonal kept, such as
            `strided_layout` gives; `blocks` divides L. A diagonal block is causal inside.

    Returns:
        Tensor `(B, L, heads, channels)`.

    Example:
        >>> x = ops.ones((1, 8, 2, 4))
        >>> block_sparse_attention(x, x, x, np.eye(2, dtype=bool)).shape
        (1, 8, 2, 4)
    """
    blocks = len(layout)
    _, length, heads, channels = query.shape
    size = length // blocks
    diagonals = _diagonals(layout)
    scale = 1 / math.sqrt(channels)

    def cut(x):
        # Blocks first: a shifted sequence of blocks is then a slice without gaps.
        x = ops.reshape(x, (-1, blocks, size, heads, channels))
        x = ops.transpose(x, (1, 0, 3, 2, 4))
        return ops.reshape(x, (blocks, -1, size, channels))

    def join(x):
        x = ops.reshape(x, (blocks, -1, heads, size, channels))
        x = ops.transpose(x, (1, 0, 3, 2, 4))
        return ops.reshape(x, (-1, length, heads, channels))

    @ops.custom_gradient
    def attend(query, key, value):
        query, key, value = cut(query * scale), cut(key), cut(value)

        def scores(offset):
            """Of every block with the one `offset` before it: `(blocks - offset, ..., j)`."""
            products = ops.matmul(query[offset:], ops.swapaxes(key[: blocks - offset], -1, -2))
            return ops.cast(products, "float32") + _mask(layout, offset, size)

        every = ops.concatenate([_shift(scores(offset), offset) for offset in diagonals], axis=-1)
        largest = ops.max(every, axis=-1, keepdims=True)
        weights = ops.exp(every - largest)
        total = ops.sum(weights, axis=-1, keepdims=True)
        weights = ops.cast(weights, query.dtype)
        attended = None
        for i, offset in enumerate(diagonals):
            part = weights[offset:, :, :, i * size : (i + 1) * size]
            attended = _add(attended, ops.matmul(part, value[: blocks - offset]), offset)
        attended = attended / ops.cast(total, attended.dtype)
        log_total = largest + ops.log(total)

        def gradient(*args, upstream=None):
            change = cut(args[0] if upstream is None else upstream)
            shared = ops.cast(ops.sum(change * attended, axis=-1, keepdims=True), "float32")
            query_change = key_change = value_change = None
            for offset in diagonals:
                end = blocks - offset
                weights = ops.exp(scores(offset) - log_total[offset:])
                part = ops.matmul(change[offset:], ops.swapaxes(value[:end], -1, -2))
                score_change = weights * (ops.cast(part, "float32") - shared[offset:])
                score_change = ops.cast(score_change, query.dtype)
                weights = ops.swapaxes(ops.cast(weights, query.dtype), -1, -2)
                query_change = _add(query_change, ops.matmul(score_change, key[:end]), offset)
                score_change = ops.swapaxes(score_change, -1, -2)
                key_change = _add(key_change, ops.matmul(score_change, query[offset:]), 0)
                value_change = _add(value_change, ops.matmul(weights, change[offset:]), 0)
            return join(query_change * scale), join(key_change), join(value_change)

        return join(attended), gradient

    return attend(query, key, value)


def _diagonals(layout):
    """Distances at which any block attends to an earlier one; 0 is always there."""
    rows, columns = np.nonzero(layout)
    if (columns > rows).any() or not layout.diagonal().all():
        raise ValueError("layout must be lower triangular, with every block of its diagonal kept.")
    return sorted({int(distance) for distance in rows - columns})


def _mask(layout, offset, size):
    """What is added to the scores of one diagonal: causality inside a block, or blocks left out."""
    if offset == 0:
        mask = np.tri(size, dtype=bool)
    else:
        mask = layout.diagonal(-offset)[:, None, None, None]
        if mask.all():
            return 0.0
    return ops.convert_to_tensor(np.where(mask, 0.0, MINUS_INFINITY).astype("float32"))


def _shift(scores, offset):
    """Scores of all blocks, given those from block `offset` on."""
    padding = [(offset, 0), (0, 0), (0, 0), (0, 0)]
    return ops.pad(scores, padding, constant_values=MINUS_INFINITY) if offset else scores


def _add(total, part, start):
    """Adds to the blocks of `total` from `start` on; the first part is of all blocks."""
    if total is None:
        return part
    if keras.backend.backend() == "torch":
        total[start : start + part.shape[0]] += part  # Keras would copy the whole
        return total
    # Not a sum of padded parts, all of which XLA would keep at once.
    part = total[start : start + part.shape[0]] + part
    return ops.slice_update(total, (start, 0, 0, 0), part)
