"""What models check of their arguments and inputs at the door."""

from numbers import Integral

import numpy as np


def check_positive(**arguments: int) -> None:
    """Raises `ValueError` for the first argument that is not a positive integer."""
    for name, value in arguments.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer; got {value!r}.")


def check_choice(name: str, value, accepted: tuple) -> None:
    """Raises `ValueError` unless `value` is one of the `accepted` ones."""
    if value not in accepted:
        raise ValueError(f"{name} must be one of {accepted}; got {value!r}.")


def check_downsample(
    video_shape: tuple[int, ...], downsample: tuple[int, ...]
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


def check_video(video, shape: tuple[int, ...], name: str = "videos") -> None:
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
    expected = "(B, " + ", ".join(str(size) for size in shape) + ")"
    given = tuple(video.shape)
    if len(given) != len(shape) + 1 or any(
        g is not None and g != s for g, s in zip(given[1:], shape, strict=True)
    ):
        raise ValueError(f"{name} must have shape {expected}; got {given}.")
    if isinstance(video, np.ndarray) and "float" in dtype and video.size:
        low, high = float(video.min()), float(video.max())
        if not (low >= -0.51 and high <= 0.51):
            raise ValueError(
                f"{name} of floats must lie in [-0.5, 0.5]; got [{low:.4g}, {high:.4g}]. "
                "Pass uint8 pixels, or scale them: pixels / 255 - 0.5."
            )


def check_codes(codes, shape: tuple[int, ...], num_codes: int, name: str = "codes") -> None:
    """Raises `ValueError` unless `codes` is a batch of codes that a model can take.

    Args:
        codes: array or tensor of integers, `(B, *shape)`. Values of NumPy arrays are checked.
        shape: expected `(t, h, w)`, or `(t, h, w, G)`.
        num_codes: codes per codebook.
        name: the argument's name in messages.
    """
    if "int" not in str(codes.dtype):
        raise ValueError(f"{name} must be integers; got {codes.dtype}.")
    given = tuple(codes.shape)
    if len(given) != len(shape) + 1 or any(
        g is not None and g != s for g, s in zip(given[1:], shape, strict=True)
    ):
        expected = "(B, " + ", ".join(str(size) for size in shape) + ")"
        raise ValueError(f"{name} must have shape {expected}; got {given}.")
    if isinstance(codes, np.ndarray) and codes.size:
        low, high = int(codes.min()), int(codes.max())
        if low < 0 or high >= num_codes:
            raise ValueError(
                f"{name} must lie in [0, {num_codes - 1}]; got values in [{low}, {high}]."
            )


def check_labels(labels, num_classes: int, name: str = "labels") -> None:
    """Raises `ValueError` unless `labels` is a batch of classes that a model can take.

    Args:
        labels: array or tensor of integers, `(B,)`. Values of NumPy arrays are checked.
        num_classes: number of classes.
        name: the argument's name in messages.
    """
    if "int" not in str(labels.dtype):
        raise ValueError(f"{name} must be integers; got {labels.dtype}.")
    if len(labels.shape) != 1:
        raise ValueError(f"{name} must have shape (B,); got {tuple(labels.shape)}.")
    if isinstance(labels, np.ndarray) and labels.size:
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_classes:
            raise ValueError(
                f"{name} must lie in [0, {num_classes - 1}]; got values in [{low}, {high}]."
            )
