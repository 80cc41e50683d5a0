import math

import numpy as np


def code_entropy(codes: np.ndarray, num_codes: int, num_codebooks: int = 1) -> float:
    """Entropy of the code histogram: bits per code of a prior that knows frequencies alone.

    Args:
        codes: integers in [0, num_codes), any shape; with several codebooks the last axis is the
            codebook, and each has its own histogram.
        num_codes: codes per codebook.
        num_codebooks: number of codebooks.

    Returns:
        Bits per code, averaged over the codebooks.

    Example:
        >>> code_entropy(np.array([0, 1, 2, 3]), num_codes=8)
        2.0
    """
    books = np.asarray(codes).reshape(-1, num_codebooks)
    entropies = []
    for book in books.T:
        shares = np.bincount(book, minlength=num_codes) / len(book)
        shares = shares[shares > 0]
        entropies.append(-(shares * np.log2(shares)).sum())
    return float(np.mean(entropies))


def bits_per_pixel_dimension(
    bits_per_code: float, codes_shape: tuple[int, ...], video_shape: tuple[int, ...]
) -> float:
    """Bits of a clip's codes for each of its T*H*W*C pixel values.

    It is the rate at which the codes could be stored, not a likelihood of the pixels: decoding them
    loses what a likelihood would have to account for. So it does not compare with the bits per
    dimension of models of pixels.

    Args:
        bits_per_code: as `VideoGPT.bits_per_dim` or `code_entropy` return it, of one code.
        codes_shape: shape of a clip's codes, `(t, h, w)` or `(t, h, w, G)`.
        video_shape: shape of a clip, `(T, H, W, C)`.

    Returns:
        Bits per pixel value.

    Raises:
        ValueError: bits are negative or not finite, or a shape is of another rank or has sizes that
            are not positive.

    Example:
        >>> bits_per_pixel_dimension(3.0, (8, 32, 32), (16, 64, 64, 3))
        0.125
    """
    if not 0 <= bits_per_code < float("inf"):
        raise ValueError(f"bits_per_code must be finite and not negative; got {bits_per_code!r}.")
    _check_sizes("codes_shape", codes_shape, "(t, h, w) or (t, h, w, G)", ranks=(3, 4))
    _check_sizes("video_shape", video_shape, "(T, H, W, C)", ranks=(4,))
    return float(bits_per_code * math.prod(codes_shape) / math.prod(video_shape))


def _check_sizes(name: str, shape: tuple[int, ...], accepted: str, ranks: tuple[int, ...]) -> None:
    if len(shape) not in ranks or min(shape) < 1:
        raise ValueError(f"{name} must be {accepted}, all positive; got {tuple(shape)}.")
