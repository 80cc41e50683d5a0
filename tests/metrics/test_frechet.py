from pathlib import Path

import numpy as np
import pytest
from keras import ops

from keras_videogpt.metrics.frechet import frechet_distance

RNG = np.random.default_rng(0)
PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity" / "cases" / "frechet.npz"


def with_moments(count, mean, std):
    """Rows of exactly this mean and these standard deviations, uncorrelated."""
    rows = RNG.standard_normal((count, len(mean)))
    rows = np.linalg.qr(rows - rows.mean(axis=0))[0] * np.sqrt(count - 1)
    return rows * std + mean


def dense(a, b):
    """By the eigenvalues of the product of the covariances."""
    s_a, s_b = np.cov(a.T), np.cov(b.T)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(s_a @ s_b).real, 0)).sum()
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s_a + s_b) - 2 * roots


@pytest.mark.skipif(
    not PARITY.exists(), reason="the outputs of the original code are not beside this checkout"
)
@pytest.mark.parametrize("case", ["small", "logits400"])
def test_it_equals_the_original_s_formula(case):
    arrays = np.load(PARITY)
    distance = frechet_distance(arrays[f"{case}_a"], arrays[f"{case}_b"])
    assert distance == pytest.approx(float(arrays[f"{case}_distance"]), rel=1e-6)


def test_uncorrelated_gaussians_differ_by_their_means_and_deviations():
    mean_a, mean_b = np.array([1.0, -2.0, 0.5]), np.array([0.0, 4.0, 0.5])
    std_a, std_b = np.array([1.0, 2.0, 0.1]), np.array([3.0, 2.0, 0.4])
    expected = np.square(mean_a - mean_b).sum() + np.square(std_a - std_b).sum()
    a, b = with_moments(50, mean_a, std_a), with_moments(40, mean_b, std_b)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("count_a", "count_b"), [(12, 9), (12, 70), (60, 70)])
def test_correlated_features_give_what_dense_covariances_do(count_a, count_b):
    mixing = RNG.standard_normal((2, 30, 30))
    a = RNG.standard_normal((count_a, 30)) @ mixing[0]
    b = RNG.standard_normal((count_b, 30)) @ mixing[1] + 1
    assert frechet_distance(a, b) == pytest.approx(dense(a, b), rel=1e-6)


def test_neither_the_order_of_rows_nor_of_arguments_matters():
    a, b = RNG.standard_normal((20, 8)), 3 * RNG.standard_normal((30, 8))
    distance = frechet_distance(a, b)
    assert frechet_distance(RNG.permutation(a), RNG.permutation(b)) == pytest.approx(distance)
    assert frechet_distance(b, a) == pytest.approx(distance)


def test_a_shift_adds_its_squared_length():
    a, b = RNG.standard_normal((20, 8)), RNG.standard_normal((30, 8))
    b += a.mean(axis=0) - b.mean(axis=0)
    shift = np.arange(8.0)
    added = frechet_distance(a, b + shift) - frechet_distance(a, b)
    assert added == pytest.approx(np.square(shift).sum())


@pytest.mark.parametrize("count", [5, 40])
def test_equal_features_are_at_no_distance_and_never_below(count):
    a = 1e3 * RNG.standard_normal((count, 20)).astype("float32")
    assert 0 <= frechet_distance(a, a) < 1e-12 * np.square(a).sum()


def test_covariances_divided_by_n_give_the_spread_s_share_of_it():
    a, b = RNG.standard_normal((10, 4)), 2 * RNG.standard_normal((10, 4))
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    spread = frechet_distance(a, b) - means
    assert frechet_distance(a, b, biased=True) == pytest.approx(means + 0.9 * spread)


def test_tensors_are_taken():
    a, b = RNG.standard_normal((2, 6, 3)).astype("float32")
    assert frechet_distance(ops.convert_to_tensor(a), b) == frechet_distance(a, b)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((1, 3)), np.ones((2, 3)), r"features_a .* at least two videos; got shape \(1, 3"),
        (np.ones((2, 3)), np.ones(3), r"features_b must be \(N, D\).*got shape \(3,\)"),
        (np.ones((2, 3)), np.ones((2, 4)), "equally many features; got 3 and 4"),
        (np.ones((2, 1)), np.array([[1], [np.nan], [np.inf]]), "features_b .* 2 of 3 rows are not"),
    ],
)
def test_other_features_are_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, b)
