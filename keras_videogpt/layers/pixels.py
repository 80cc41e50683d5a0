"""The one place where pixel values change scale: uint8 outside models, [-0.5, 0.5] inside."""

import numpy as np
from keras import ops

from keras_videogpt.typing import Tensor


def normalize_pixels(video: Tensor) -> Tensor:
    """Brings a video tensor to the scale models work in.

    Args:
        video: uint8 in [0, 255], or float already in [-0.5, 0.5]; any shape.

    Returns:
        Float tensor of the same shape in [-0.5, 0.5]: float32 for uint8, otherwise unchanged.
    """
    if "float" in str(video.dtype):
        return video
    return ops.cast(video, "float32") / 255.0 - 0.5


def to_uint8(video: np.ndarray) -> np.ndarray:
    """Float pixels with nominal range [-0.5, 0.5] to uint8, clipped and rounded to the nearest.

    Args:
        video: float array of any shape.

    Returns:
        uint8 array of the same shape.
    """
    return np.clip(np.rint((np.asarray(video, "float32") + 0.5) * 255.0), 0, 255).astype("uint8")
