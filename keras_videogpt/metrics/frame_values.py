"""What is measured frame by frame: one formula for arrays and for streamed metrics."""

from collections.abc import Callable

import numpy as np
from keras import ops

from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.models.batches import as_numpy
from keras_videogpt.typing import Tensor

VALUES_AT_A_TIME = 2**20


def frame_pixels(video: Tensor) -> Tensor:
    """The pixels that formulas over frames are given.

    Args:
        video: array or tensor, uint8, or float in [-0.5, 0.5].

    Returns:
        float32 tensor in [-0.5, 0.5]. Floats beyond are clipped, as in a video that is written.

    Example:
        >>> pixels = frame_pixels(np.array([0, 255], "uint8"))
        >>> keras.ops.convert_to_numpy(pixels).tolist()
        [-0.5, 0.5]
    """
    return ops.clip(ops.cast(normalize_pixels(video), "float32"), -0.5, 0.5)


def frame_values(formula: Callable, reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """A formula's value for each frame of two videos, a few frames at a time.

    Args:
        formula: takes the frames of both, float32 tensors `(N, H, W, C)` in [-0.5, 0.5], and
            returns a tensor `(N,)`.
        reference: uint8 `(B, T, H, W, C)`.
        video: uint8, broadcastable to `reference`.

    Returns:
        float64 `(B, T)`.

    Raises:
        ValueError: an argument is not uint8, or of a shape that does not fit.

    Example:
        >>> def difference(reference, video):
        ...     return keras.ops.mean(video - reference, axis=(-3, -2, -1))
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> frame_values(difference, black, np.full_like(black, 255))
        array([[1., 1.]])
    """
    reference, video = as_numpy(reference), as_numpy(video)
    for name, array in (("reference", reference), ("video", video)):
        if array.dtype != np.uint8:
            raise ValueError(f"{name} must be uint8; got {array.dtype}.")
    if reference.ndim != 5:
        raise ValueError(f"reference must be (B, T, H, W, C); got shape {reference.shape}.")
    try:
        video = np.broadcast_to(video, reference.shape)
    except ValueError:
        raise ValueError(
            f"video must be broadcastable to reference, {reference.shape}; got {video.shape}."
        ) from None
    frame_shape = reference.shape[2:]
    reference = reference.reshape(-1, *frame_shape)
    values = np.empty(len(reference))
    clip_length = video.shape[1]
    at_a_time = max(1, VALUES_AT_A_TIME // max(1, int(np.prod(frame_shape))))
    for start in range(0, len(reference), at_a_time):
        frames = np.arange(start, min(start + at_a_time, len(reference)))
        # Picked one by one: reshaping would write a broadcast video out as a whole.
        picked = video[frames // clip_length, frames % clip_length]
        values[frames] = ops.convert_to_numpy(
            formula(frame_pixels(reference[frames]), frame_pixels(picked))
        )
    return values.reshape(video.shape[:2])
