"""What models check of their arguments and inputs at the door."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from keras_videogpt.typing import Tensor


def check_positive(**arguments: int) -> None:
    """Raises `ValueError` for the first argument that is not a positive integer."""
    for name, value in arguments.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer; got {value!r}.")


def check_choice(name: str, value: Any, accepted: tuple) -> None:
    """Raises `ValueError` unless `value` is one of the `accepted` ones."""
    if value not in accepted:
        raise ValueError(f"{name} must be one of {accepted}; got {value!r}.")


def check_downsample(
    video_shape: Sequence[int], downsample: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both shapes as tuples of integers, if the one can be downsampled by the other.

    Args:
        video_shape: `(T, H, W, C)`.
        downsample: `(t, h, w)`, each a power of two that divides its axis.

    Returns:
        `video_shape` and `downsample` as tuples.

    Raises:
        ValueError: naming the argument, what it is and what it may be.
    """
    video_shape, downsample = tuple(video_shape), tuple(downsample)
    if len(video_shape) != 4:
        raise ValueError(f"video_shape must be (T, H, W, C); got {video_shape}.")
    check_positive(**{f"video_shape[{i}]": size for i, size in enumerate(video_shape)})
    if len(downsample) != 3:
        raise ValueError(f"downsample must have three factors (t, h, w); got {downsample}.")
    for axis, size, factor in zip("THW", video_shape, downsample, strict=False):
        accepted = [2**i for i in range(size.bit_length()) if size % 2**i == 0]
        if factor not in accepted:
            raise ValueError(
                f"downsample of axis {axis} must be a power of two that divides its size {size}: "
                f"one of {accepted}; got downsample={downsample} for video_shape={video_shape}."
            )
    return video_shape, downsample


def check_shape(array: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Raises `ValueError` unless an array or tensor is a batch, `(B, *shape)`."""
    given = tuple(array.shape)
    if len(given) != len(shape) + 1 or any(
        g is not None and g != s for g, s in zip(given[1:], shape, strict=True)
    ):
        expected = f"(B, {', '.join(str(size) for size in shape)})"
        raise ValueError(f"{name} must have shape {expected}; got {given}.")


def check_below(array: Tensor, limit: int, name: str) -> None:
    """Raises `ValueError` unless the integers of a NumPy array lie in [0, limit - 1]."""
    if isinstance(array, np.ndarray) and array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= limit:
            raise ValueError(f"{name} must lie in [0, {limit - 1}]; got values in [{low}, {high}].")


def check_video(video: Tensor, shape: tuple[int, ...], name: str = "videos") -> None:
    """Raises `ValueError` unless `video` is a batch of clips that a model can take.

    Args:
        video: array or tensor, `(B, *shape)`, uint8 or float. Values of NumPy floats are checked to
            lie in [-0.5, 0.5]; a margin of 0.01 allows for rounding.
        shape: expected `(T, H, W, C)`.
        name: the argument's name in messages.
    """
    dtype = str(video.dtype)
    if not ("float" in dtype or "uint8" in dtype):
        raise ValueError(f"{name} must be uint8, or float in [-0.5, 0.5]; got {dtype}.")
    check_shape(video, shape, name)
    if isinstance(video, np.ndarray) and "float" in dtype and video.size:
        low, high = float(video.min()), float(video.max())
        if not (low >= -0.51 and high <= 0.51):
            raise ValueError(
                f"{name} of floats must lie in [-0.5, 0.5]; got [{low:.4g}, {high:.4g}]. "
                "Pass uint8 pixels, or scale them: pixels / 255 - 0.5."
            )


def check_codes(codes: Tensor, shape: tuple[int, ...], num_codes: int, name: str = "codes") -> None:
    """Raises `ValueError` unless `codes` is a batch of codes that a model can take.

    Args:
        codes: array or tensor of integers, `(B, *shape)`. Values of NumPy arrays are checked.
        shape: expected `(t, h, w)`, or `(t, h, w, G)`.
        num_codes: codes per codebook.
        name: the argument's name in messages.
    """
    if "int" not in str(codes.dtype):
        raise ValueError(f"{name} must be integers; got {codes.dtype}.")
    check_shape(codes, shape, name)
    check_below(codes, num_codes, name)
