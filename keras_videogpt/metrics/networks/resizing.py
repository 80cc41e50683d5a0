import numpy as np
from keras import ops

from keras_videogpt.models.checks import check_choice, check_positive
from keras_videogpt.typing import Tensor

ALIGNMENTS = ("half_pixel", "corners", "legacy")


def resize_matrix(old: int, new: int, alignment: str = "half_pixel") -> np.ndarray:
    """The matrix that resizes an axis bilinearly, without antialiasing.

    Which positions of the old axis the new pixels i take:

    - `"half_pixel"`: `(i + 0.5) * old / new - 0.5`, as PyTorch with `align_corners=False`.
    - `"corners"`: `i * (old - 1) / (new - 1)`, as PyTorch with `align_corners=True`.
    - `"legacy"`: `i * old / new`, as TensorFlow 1's `resize_bilinear`.

    Positions outside of the old axis take its first or last pixel.

    Args:
        old: pixels along the axis, at least 1.
        new: pixels it is resized to, at least 1.
        alignment: one of those above.

    Returns:
        float32 `(new, old)`; each row has at most two weights, which add up to 1.

    Raises:
        ValueError: an argument is not of those above.

    Example:
        >>> resize_matrix(2, 3).round(2)
        array([[1. , 0. ],
               [0.5, 0.5],
               [0. , 1. ]], dtype=float32)
    """
    check_positive(old=old, new=new)
    check_choice("alignment", alignment, ALIGNMENTS)
    pixels = np.arange(new)
    if alignment == "half_pixel":
        positions = (pixels + 0.5) * (old / new) - 0.5
    elif alignment == "corners":
        positions = pixels * ((old - 1) / max(new - 1, 1))
    else:
        positions = pixels * (old / new)
    positions = np.clip(positions, 0, old - 1)
    low = np.floor(positions).astype(int)
    high = np.minimum(low + 1, old - 1)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (pixels, low), 1 - (positions - low))
    np.add.at(matrix, (pixels, high), positions - low)
    return matrix.astype("float32")


def resize_frames(videos: Tensor, height: int, width: int, alignment: str = "half_pixel") -> Tensor:
    """Resizes frames bilinearly, without antialiasing.

    Args:
        videos: float32 tensor or NumPy array `(..., H, W, C)`.
        height: in pixels.
        width: in pixels.
        alignment: of `resize_matrix`.

    Returns:
        float32 `(..., height, width, C)`: an array for an array, otherwise a tensor.

    Raises:
        ValueError: an argument is not of those above.

    Example:
        >>> resize_frames(np.array([[[0.0], [1.0]]], "float32"), 1, 3)[..., 0]
        array([[0. , 0.5, 1. ]], dtype=float32)
    """
    library = np if isinstance(videos, np.ndarray) else ops
    *batch, old_height, old_width, channels = videos.shape
    rows = resize_matrix(old_height, height, alignment)
    columns = resize_matrix(old_width, width, alignment)
    # The width first: the axes are then swapped where there are fewer pixels.
    x = library.swapaxes(videos, -1, -2)  # (..., H, C, W)
    x = library.matmul(x, columns.T)  # (..., H, C, width)
    x = library.swapaxes(x, -1, -2)  # (..., H, width, C)
    x = library.reshape(x, (*batch, old_height, width * channels))
    x = library.matmul(rows, x)  # (..., height, width * C)
    return library.reshape(x, (*batch, height, width, channels))
