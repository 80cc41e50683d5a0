import math

import numpy as np

from keras_videogpt.models.batches import as_numpy
from keras_videogpt.models.checks import check_below, check_positive


def code_entropy(codes: np.ndarray, num_codes: int, num_codebooks: int = 1) -> float:
    """Entropy of the code histogram: bits per code of a prior that knows frequencies alone.

    Args:
        codes: integers in [0, num_codes), any shape; with several codebooks the last axis is the
            codebook, and each has its own histogram.
        num_codes: codes per codebook.
        num_codebooks: number of codebooks.

    Returns:
        Bits per code, averaged over the codebooks.

    Raises:
        ValueError: there are no codes, or they are no integers or not of this many codes or
            codebooks.

    Example:
        >>> code_entropy(np.array([0, 1, 2, 3]), num_codes=8)
        2.0
    """
    check_positive(num_codes=num_codes, num_codebooks=num_codebooks)
    codes = as_numpy(codes)
    if codes.dtype.kind not in "iu" or not codes.size or codes.size % num_codebooks:
        raise ValueError(
            f"codes must be integers, not empty, of {num_codebooks} codebooks; got {codes.dtype} "
            f"of shape {codes.shape}."
        )
    check_below(codes, num_codes, "codes")
    books = codes.reshape(-1, num_codebooks).T
    return entropy_of_counts(np.stack([np.bincount(book, minlength=num_codes) for book in books]))


def entropy_of_counts(counts: np.ndarray) -> float:
    """Entropy of code histograms: as `code_entropy`, of how often each code occurs.

    Args:
        counts: at least 0, `(G, num_codes)`; of each codebook at least one code occurs.

    Returns:
        Bits per code, averaged over the codebooks.

    Raises:
        ValueError: counts are not of those above.

    Example:
        >>> entropy_of_counts(np.array([[5, 5, 0, 0], [10, 0, 0, 0]]))
        0.5
    """
    counts = as_numpy(counts)
    totals = counts.sum(axis=-1)
    if counts.ndim != 2 or not counts.size or not (counts >= 0).all() or not (totals > 0).all():
        raise ValueError(
            f"counts must be (G, num_codes), at least 0 and not all 0; got shape {counts.shape}."
        )
    shares = counts / totals[:, None]
    logarithms = np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)
    return max(0.0, float(-(shares * logarithms).sum(axis=1).mean()))


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
