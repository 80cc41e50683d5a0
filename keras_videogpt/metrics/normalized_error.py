import numpy as np

from keras_videogpt.metrics.frame_values import frame_values
from keras_videogpt.metrics.positive_number import check_positive_number
from keras_videogpt.metrics.reconstruction import frame_squared_error


def normalized_mse(reference: np.ndarray, video: np.ndarray, variance: float) -> np.ndarray:
    """Mean squared error of each clip over the variance of the data.

    1 is what the data's mean colour would have. It is the reconstruction loss that a `VQVAE` shows,
    of pixels as they are written: rounded and clipped.

    Args:
        reference: uint8 `(B, T, H, W, C)`.
        video: uint8, broadcastable to `reference`.
        variance: the variance of the data's pixels on the scale [0, 1], which `Clips.variance` and
            `VQVAE.measure_variance` return.

    Returns:
        float64 `(B,)`.

    Raises:
        ValueError: `variance` is not positive, or a video is not uint8 or of a shape that does not
            fit.

    Example:
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> normalized_mse(black, np.full_like(black, 255), variance=0.25)
        array([4.])

    Source:
        Yan et al. 2021, "VideoGPT", table 3.
    """
    check_positive_number("variance", variance)
    return frame_values(frame_squared_error, reference, video).mean(axis=1) / variance
