import numpy as np
from keras import ops

from keras_videogpt.metrics.frame_values import frame_values
from keras_videogpt.typing import Tensor

WINDOW, SIGMA = 11, 1.5  # in pixels
RADIUS = WINDOW // 2
K1, K2 = 0.01, 0.03


def ssim(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Structural similarity of each frame, averaged over each clip.

    The means, variances and covariance of the two frames in a Gaussian window of 11 x 11 pixels are
    compared, wherever the window fits in, for each channel.

    Args:
        reference: uint8 `(B, T, H, W, C)`, H and W at least 11.
        video: uint8, broadcastable to `reference`.

    Returns:
        float64 `(B,)` in [-1, 1]; 1 for equal videos.

    Raises:
        ValueError: an argument is not uint8, of a shape that does not fit, or of smaller frames.

    Example:
        >>> black = np.zeros((1, 2, 16, 16, 3), "uint8")
        >>> ssim(black, np.full_like(black, 255)).round(6)
        array([0.0001])

    Source:
        Wang et al. 2004, "Image quality assessment: from error visibility to structural
        similarity". Equal to scikit-image's `structural_similarity` with `gaussian_weights=True`
        and `use_sample_covariance=False`.
    """
    return ssim_per_frame(reference, video).mean(axis=1)


def ssim_per_frame(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Structural similarity of each frame: as `ssim`, float64 `(B, T)`.

    Example:
        >>> black = np.zeros((1, 2, 16, 16, 3), "uint8")
        >>> ssim_per_frame(black, black)
        array([[1., 1.]])
    """
    return frame_values(frame_ssim, reference, video)


def frame_ssim(reference: Tensor, video: Tensor) -> Tensor:
    """Structural similarity of frames, in tensors.

    Args:
        reference: float32 `(..., H, W, C)` in [-0.5, 0.5].
        video: like `reference`.

    Returns:
        float32 `(...)` in [-1, 1].

    Raises:
        ValueError: frames are smaller than the window.

    Example:
        >>> gray = keras.ops.zeros((2, 16, 16, 3))
        >>> keras.ops.convert_to_numpy(frame_ssim(gray, gray)).tolist()
        [1.0, 1.0]
    """
    height, width = reference.shape[-3:-1]
    if min(height or np.inf, width or np.inf) < WINDOW:
        raise ValueError(
            f"frames must be at least {WINDOW} x {WINDOW} for SSIM; got {height} x {width}."
        )
    zeros = ops.zeros_like(reference)
    moments = _windows(reference, video, zeros, zeros, axis=-2)
    mean, other_mean, variances, covariance = _windows(*moments, axis=-3)
    mean, other_mean = mean + 0.5, other_mean + 0.5
    luminance = (2 * mean * other_mean + K1**2) / (mean**2 + other_mean**2 + K1**2)
    structure = (2 * covariance + K2**2) / (variances + K2**2)
    similarity = luminance * structure
    for _ in ("channels", "columns", "rows"):
        # One sum of all, of numbers as equal as these, may be rounded to the same side every time.
        similarity = ops.mean(similarity, axis=-1)
    return similarity


def _windows(x, y, variances, covariance, axis: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Moments of two images in Gaussian windows along an axis.

    Sums of shifted images: products of matrices and convolutions are rounded to fewer digits on
    GPUs. Deviations are those from the window's centre, so that little cancels: the difference of
    mean squares and squared means would spoil flat areas, whose variances are next to K2 squared.

    Args:
        x: tensor `(..., H, W, C)`: pixels, or means within windows along another axis.
        y: likewise, of the other image.
        variances: sum of both variances in the windows so far, of the shape of `x`.
        covariance: covariance in the windows so far, of the shape of `x`.
        axis: the axis, counted from the last.

    Returns:
        The same four, for the wider windows that fit in.
    """
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    weights = (weights / weights.sum()).tolist()

    def shifted(image, offset):
        part = slice(offset, offset - 2 * RADIUS or None)
        return image[(..., part, *[slice(None)] * (-axis - 1))]

    centre_x, centre_y = shifted(x, RADIUS), shifted(y, RADIUS)
    mean_x = mean_y = both = product = 0.0
    for offset, weight in enumerate(weights):
        from_x, from_y = shifted(x, offset) - centre_x, shifted(y, offset) - centre_y
        mean_x += weight * from_x
        mean_y += weight * from_y
        both += weight * (shifted(variances, offset) + from_x**2 + from_y**2)
        product += weight * (shifted(covariance, offset) + from_x * from_y)
    return (
        centre_x + mean_x,
        centre_y + mean_y,
        both - mean_x**2 - mean_y**2,
        product - mean_x * mean_y,
    )
