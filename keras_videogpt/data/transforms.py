"""Resizing, cropping and mirroring of clips, in NumPy and Pillow."""

import numpy as np
from PIL import Image


def image_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Checks a size and returns it as `(height, width)`.

    Args:
        size: int for a square, or `(height, width)`, in pixels.

    Returns:
        `(height, width)`.

    Raises:
        ValueError: not one or two positive whole numbers.

    Example:

    >>> image_size(64)
    (64, 64)
    """
    pair = (size, size) if isinstance(size, int | np.integer) else tuple(size)
    if len(pair) != 2 or any(side != int(side) or side < 1 for side in pair):
        raise ValueError(
            f"`size` must be a positive int or a pair (height, width). Received: size={size!r}"
        )
    return int(pair[0]), int(pair[1])


def resize_shorter_side(clip: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Scales a clip, its proportions kept, to the smallest that covers `size`.

    Bilinear with antialiasing. For an int the shorter side becomes `size` and the other is
    rounded up.

    Args:
        clip: uint8 array (T, H, W, 3).
        size: int or `(height, width)` in pixels.

    Returns:
        uint8 array (T, H', W', 3) with H' and W' at least `size`, one of them equal to it.

    Example:

    >>> resize_shorter_side(np.zeros((16, 120, 160, 3), "uint8"), 64).shape
    (16, 64, 86, 3)
    """
    height, width = image_size(size)
    old_height, old_width = clip.shape[1:3]
    if height * old_width >= width * old_height:
        width = -(-old_width * height // old_height)
    else:
        height = -(-old_height * width // old_width)
    if (height, width) == (old_height, old_width):
        return clip
    resample = Image.Resampling.BILINEAR
    return np.stack(
        [np.asarray(Image.fromarray(frame).resize((width, height), resample)) for frame in clip]
    )


def center_crop(clip: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Cuts the middle out of every frame.

    Args:
        clip: array (T, H, W, C), at least as large as `size`.
        size: int or `(height, width)` in pixels.

    Returns:
        Array (T, height, width, C), a view of `clip`.

    Raises:
        ValueError: the clip is smaller than `size`.

    Example:

    >>> center_crop(np.zeros((16, 64, 86, 3), "uint8"), 64).shape
    (16, 64, 64, 3)
    """
    room = _room(clip, size)
    return _crop(clip, room[0] // 2, room[1] // 2, size)


def random_crop(
    clip: np.ndarray, size: int | tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Cuts the same random window out of every frame.

    Args:
        clip: array (T, H, W, C), at least as large as `size`.
        size: int or `(height, width)` in pixels.
        rng: source of the window's place, uniform over all that fit.

    Returns:
        Array (T, height, width, C), a view of `clip`.

    Raises:
        ValueError: the clip is smaller than `size`.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> random_crop(np.zeros((16, 64, 86, 3), "uint8"), 64, rng).shape
    (16, 64, 64, 3)
    """
    room = _room(clip, size)
    return _crop(clip, int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1)), size)


def horizontal_flip(clip: np.ndarray) -> np.ndarray:
    """Mirrors every frame left to right.

    Args:
        clip: array (T, H, W, C).

    Returns:
        Array of the same shape, a view of `clip`.

    Example:

    >>> mirrored = horizontal_flip(clip)
    """
    return clip[:, :, ::-1]


def _room(clip: np.ndarray, size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = image_size(size)
    if clip.shape[1] < height or clip.shape[2] < width:
        raise ValueError(
            f"A clip of {clip.shape[1]}x{clip.shape[2]} pixels cannot be cropped to "
            f"`size`={height}x{width}; resize it first"
        )
    return clip.shape[1] - height, clip.shape[2] - width


def _crop(clip: np.ndarray, top: int, left: int, size: int | tuple[int, int]) -> np.ndarray:
    height, width = image_size(size)
    return clip[:, top : top + height, left : left + width]
