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
