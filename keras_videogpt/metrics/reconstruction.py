import numpy as np
from keras import ops

from keras_videogpt.metrics.frame_values import frame_values
from keras_videogpt.typing import Tensor


def psnr(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame, averaged over each clip.

    Args:
        reference: uint8 `(B, T, H, W, C)`.
        video: uint8, broadcastable to `reference`.

    Returns:
        float64 `(B,)` in decibels. A frame without error counts as 100 dB.

    Raises:
        ValueError: an argument is not uint8, or of a shape that does not fit.

    Example:
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> psnr(black, np.full_like(black, 51)).round(3)
        array([13.979])
    """
    return psnr_per_frame(reference, video).mean(axis=1)


def psnr_per_frame(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame: as `psnr`, float64 `(B, T)`.

    Example:
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> psnr_per_frame(black, black)
        array([[100., 100.]])
    """
    return frame_values(frame_psnr, reference, video)


def frame_psnr(reference: Tensor, video: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of frames, in tensors.

    Args:
        reference: float32 `(..., H, W, C)` in [-0.5, 0.5].
        video: like `reference`.

    Returns:
        float32 `(...)` in decibels, at most 100.

    Example:
        >>> gray = keras.ops.zeros((2, 4, 4, 3))
        >>> keras.ops.convert_to_numpy(frame_psnr(gray, gray)).tolist()
        [100.0, 100.0]
    """
    error = frame_squared_error(reference, video)
    return 100.0 - 10.0 * ops.log10(ops.maximum(error * 1e10, 1.0))


def frame_squared_error(reference: Tensor, video: Tensor) -> Tensor:
    """Mean squared error of frames: as `frame_psnr`, on the scale [0, 1]."""
    return ops.mean(ops.square(reference - video), axis=(-3, -2, -1))
