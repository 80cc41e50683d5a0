import numpy as np

ROWS_AT_A_TIME = 256


def diversity(features: np.ndarray) -> float:
    """Mean Euclidean distance between the features of two different samples.

    0 where all samples are alike. What it says depends on the features: compare figures of the same
    network and preprocessing.

    Args:
        features: float `(N, D)`, a row for each sample; at least two.

    Returns:
        The mean over all pairs, in the unit of the features.

    Raises:
        ValueError: another shape, fewer than two samples, or values that are not finite.

    Example:
        >>> diversity(np.array([[0.0, 0.0], [3.0, 4.0]]))
        5.0

    Source:
        Zhu et al. 2017, "Toward multimodal image-to-image translation", section 5.2, which has
        LPIPS as the distance.
    """
    features = np.asarray(features)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(
            f"features must be (N, D) of at least two samples; got shape {features.shape}."
        )
    if not np.isfinite(features).all():
        raise ValueError("features must be finite; got NaN or infinity.")
    # Distances don't depend on the origin; near the data's mean, squares cancel least.
    features = features.astype("float64") - features.mean(axis=0, dtype="float64")
    squares = np.square(features).sum(axis=1)
    total = 0.0
    for start in range(0, len(features), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        later = features[start:]
        distances = squares[rows, None] + squares[start:] - 2 * features[rows] @ later.T
        # Above the diagonal: each pair once, and no sample with itself.
        total += np.sqrt(np.maximum(np.triu(distances, k=1), 0)).sum()
    return float(total / (len(features) * (len(features) - 1) / 2))


def conditional_diversity(features: np.ndarray) -> float:
    """Mean `diversity` of the samples that were given the same condition.

    Args:
        features: float `(K, n, D)`, n samples for each of K conditions; at least two samples.

    Returns:
        The mean over conditions.

    Raises:
        ValueError: another shape, no condition, fewer than two samples, or values that are not
            finite.

    Example:
        >>> conditional_diversity(np.array([[[0.0], [2.0]], [[7.0], [11.0]]]))
        3.0
    """
    features = np.asarray(features)
    if features.ndim != 3 or len(features) < 1 or features.shape[1] < 2:
        raise ValueError(
            "features must be (K, n, D) of at least one condition with at least two samples; got "
            f"shape {features.shape}."
        )
    return float(np.mean([diversity(samples) for samples in features]))
