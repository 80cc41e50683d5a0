"""Strided and transposed 3-D convolutions as plain ones over blocks of pixels.

A convolution with stride 2 is one with stride 1 over 2x2x2 blocks of pixels, each seen as one pixel
with eight times the channels; a transposed one is one whose output pixels are such blocks. The
numbers are the same. XLA has no fast code for strides in the gradients on CPUs: there a block
convolution of JAX is up to a hundred times as fast.
"""

import math
from itertools import chain

import keras
from keras import ops

from keras_videogpt.typing import Tensor


def strides_are_slow() -> bool:
    """Whether convolutions had better do without strides: those of JAX on CPUs."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


def strided_convolution(x: Tensor, kernel: Tensor, strides: tuple[int, int, int]) -> Tensor:
    """What `keras.ops.conv` gives with these strides and padding "valid".

    Args:
        x: float `(B, T, H, W, C)`.
        kernel: float `(t, h, w, C, D)`.
        strides: one of each axis.

    Returns:
        Tensor `(B, T', H', W', D)`.

    Example:
        >>> x, kernel = keras.ops.ones((1, 4, 8, 8, 3)), keras.ops.ones((4, 4, 4, 3, 5))
        >>> strided_convolution(x, kernel, (2, 2, 2)).shape
        (1, 1, 3, 3, 5)
    """
    if max(strides) == 1:
        return ops.conv(x, kernel, padding="valid")
    *sizes, channels, filters = kernel.shape
    lengths = x.shape[1:4]
    blocks = [-(-size // stride) for size, stride in zip(sizes, strides, strict=True)]
    needed = [  # of the input, in whole blocks
        ((length - size) // stride + block) * stride
        for length, size, stride, block in zip(lengths, sizes, strides, blocks, strict=True)
    ]
    missing = [max(0, need - length) for need, length in zip(needed, lengths, strict=True)]
    x = ops.pad(x, [(0, 0), *[(0, zeros) for zeros in missing], (0, 0)])
    x = x[:, : needed[0], : needed[1], : needed[2]]
    zeros = [
        block * stride - size for block, stride, size in zip(blocks, strides, sizes, strict=True)
    ]
    kernel = ops.pad(kernel, [*[(0, zero) for zero in zeros], (0, 0), (0, 0)])
    split = _split(blocks, strides)
    kernel = ops.transpose(
        ops.reshape(kernel, (*split, channels, filters)), (0, 2, 4, 1, 3, 5, 6, 7)
    )
    return ops.conv(_to_blocks(x, strides), ops.reshape(kernel, (*blocks, -1, filters)))


def transposed_convolution(x: Tensor, kernel: Tensor, strides: tuple[int, int, int]) -> Tensor:
    """What `keras.ops.conv_transpose` gives with these strides and padding "same".

    Args:
        x: float `(B, T, H, W, C)`.
        kernel: float `(t, h, w, D, C)`, nowhere smaller than the strides.
        strides: one of each axis.

    Returns:
        Tensor `(B, T t, H h, W w, D)` of strides `(t, h, w)`.

    Example:
        >>> x, kernel = keras.ops.ones((1, 2, 4, 4, 3)), keras.ops.ones((4, 4, 4, 5, 3))
        >>> transposed_convolution(x, kernel, (2, 2, 2)).shape
        (1, 4, 8, 8, 5)
    """
    *sizes, filters, channels = kernel.shape
    padding, zeros, blocks = [], [], []
    for size, stride in zip(sizes, strides, strict=True):
        # Output s i + p takes weight s d + p + crop from input i - d.
        crop = (size - stride) // 2
        first = -(-crop // stride)  # -d of the earliest d
        before = first * stride - crop
        count = -(-(before + size) // stride)
        zeros.append((before, count * stride - before - size))
        padding.append((count - 1 - first, first))
        blocks.append(count)
    kernel = ops.pad(kernel, [*zeros, (0, 0), (0, 0)])
    kernel = ops.reshape(kernel, (*_split(blocks, strides), filters, channels))
    kernel = ops.flip(ops.transpose(kernel, (0, 2, 4, 7, 1, 3, 5, 6)), axis=(0, 1, 2))
    x = ops.conv(
        ops.pad(x, [(0, 0), *padding, (0, 0)]), ops.reshape(kernel, (*blocks, channels, -1))
    )
    return _from_blocks(x, strides)


def _split(blocks, strides):
    """Axes of blocks and those within them, in turn."""
    return tuple(chain.from_iterable(zip(blocks, strides, strict=True)))


def _to_blocks(x, strides):
    """`(B, T, H, W, C)` to `(B, T / t, H / h, W / w, t h w C)`."""
    *lengths, channels = x.shape[1:]
    blocks = [length // stride for length, stride in zip(lengths, strides, strict=True)]
    x = ops.reshape(x, (-1, *_split(blocks, strides), channels))
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4, 6, 7))
    return ops.reshape(x, (-1, *blocks, math.prod(strides) * channels))


def _from_blocks(x, strides):
    """`(B, T, H, W, t h w C)` to `(B, T t, H h, W w, C)`."""
    grid = x.shape[1:4]
    x = ops.reshape(x, (-1, *grid, *strides, x.shape[4] // math.prod(strides)))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6, 7))
    sizes = [length * stride for length, stride in zip(grid, strides, strict=True)]
    return ops.reshape(x, (-1, *sizes, x.shape[-1]))
