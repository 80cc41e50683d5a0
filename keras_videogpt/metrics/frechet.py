import numpy as np

from keras_videogpt.models.batches import as_numpy


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray, biased: bool = False) -> float:
    """Fréchet distance between two Gaussians, fitted to two sets of features.

    `|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))`, with means m and covariances S. Computed in
    float64 and without matrix square roots: with `S_a = F_a^T F_a`, the trace of the last is the
    sum of the singular values of `F_a F_b^T`, also where there are fewer rows than features.

    Args:
        features_a: float `(N, D)`, a row for each video; at least two.
        features_b: float `(M, D)`.
        biased: whether covariances are divided by the number of rows, as in StyleGAN-V's code,
            and not by one less.

    Returns:
        The distance, at least 0, in the square of the features' unit.

    Raises:
        ValueError: other shapes, or features that are not finite.

    Example:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
        9.0

    Source: Dowson and Landau 1982; Heusel et al., arXiv 1706.08500, equation 6.
    """
    features_a = _checked("features_a", features_a)
    features_b = _checked("features_b", features_b)
    if features_a.shape[1] != features_b.shape[1]:
        raise ValueError(
            "features_a and features_b must have equally many features; got "
            f"{features_a.shape[1]} and {features_b.shape[1]}."
        )
    mean_a, factor_a = _mean_and_factor(features_a, biased)
    mean_b, factor_b = _mean_and_factor(features_b, biased)
    cross = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    traces = np.square(factor_a).sum() + np.square(factor_b).sum()
    return float(max(np.square(mean_a - mean_b).sum() + traces - 2 * cross, 0))


def _checked(name, features):
    features = as_numpy(features)
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(
            f"{name} must be (N, D), a row for each of at least two videos; got shape "
            f"{features.shape}."
        )
    features = features.astype("float64")
    wrong = ~np.isfinite(features).all(axis=1)
    if wrong.any():
        raise ValueError(f"{name} must be finite; {wrong.sum()} of {len(wrong)} rows are not.")
    return features


def _mean_and_factor(features, biased):
    """The mean `(D,)`, and F `(at most D, D)`, of which `F^T F` is the covariance."""
    mean = features.mean(axis=0)
    count = len(features) if biased else len(features) - 1
    factor = (features - mean) / np.sqrt(count)
    if len(factor) > factor.shape[1]:
        factor = np.linalg.qr(factor, mode="r")
    return mean, factor
