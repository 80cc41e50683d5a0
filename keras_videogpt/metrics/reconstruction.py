import numpy as np


def psnr(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame, averaged over each clip.

    Args:
        reference: uint8 `(B, T, H, W, C)`.
        video: uint8, broadcastable to `reference`.

    Returns:
        float64 `(B,)` in decibels. A frame without error counts as 100 dB.

    Raises:
        ValueError: an argument is not uint8, or of another rank.

    Example:
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> psnr(black, np.full_like(black, 255))
        array([0.])
    """
    return psnr_per_frame(reference, video).mean(axis=1)


def psnr_per_frame(reference: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame: as `psnr`, float64 `(B, T)`.

    Example:
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> psnr_per_frame(black, black)
        array([[100., 100.]])
    """
    for name, array in (("reference", reference), ("video", video)):
        if array.dtype != np.uint8:
            raise ValueError(f"{name} must be uint8; got {array.dtype}.")
    if reference.ndim != 5:
        raise ValueError(f"reference must be (B, T, H, W, C); got shape {reference.shape}.")
    error = np.square(reference.astype("float32") - video.astype("float32"))
    per_frame = error.mean(axis=(2, 3, 4), dtype="float64")  # (B, T)
    return 10 * np.log10(255.0**2 / np.maximum(per_frame, 255.0**2 * 1e-10))
