from collections.abc import Iterable

import numpy as np


def pixel_variance(videos: Iterable[np.ndarray]) -> float:
    """Variance of pixels on the scale [0, 1], over all channels alike.

    Args:
        videos: arrays of any shape, uint8, or float of range 1; read once.

    Returns:
        The variance.

    Raises:
        ValueError: every pixel has the same value.

    Example:
        >>> pixel_variance([np.array([0, 255], "uint8")])
        0.25
    """
    count, total, squares = 0, 0.0, 0.0
    for video in videos:
        pixels = video.astype("float64") / (255.0 if video.dtype == np.uint8 else 1.0)
        count += pixels.size
        total += pixels.sum()
        squares += np.square(pixels).sum()
    variance = float(squares / count - (total / count) ** 2)
    if not variance > 1e-8:
        raise ValueError(
            "The videos have no variance: every pixel has the same value "
            f"({total / count:.4g} on a scale of range 1)."
        )
    return variance
