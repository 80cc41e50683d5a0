import importlib

import numpy as np
import pytest

from keras_videogpt.metrics.diversity import conditional_diversity, diversity

RNG = np.random.default_rng(0)


def mean_distance(features):
    distances = [
        np.linalg.norm(features[i] - features[j]) for i in range(len(features)) for j in range(i)
    ]
    return np.mean(distances)


@pytest.mark.parametrize("rows", [1, 7, 40, 256])
def test_diversity_is_the_mean_distance_of_pairs_in_blocks_of_any_size(rows, monkeypatch):
    module = importlib.import_module("keras_videogpt.metrics.diversity")
    monkeypatch.setattr(module, "ROWS_AT_A_TIME", rows)
    features = RNG.normal(size=(40, 5)).astype("float32")
    assert diversity(features) == pytest.approx(mean_distance(features.astype("float64")))


def test_features_far_from_the_origin_are_as_diverse_as_near_it():
    features = RNG.normal(size=(20, 4))
    assert diversity(features + 1e6) == pytest.approx(diversity(features), rel=1e-6)


def test_samples_that_are_alike_have_no_diversity():
    assert diversity(np.full((300, 8), 0.1, "float32")) < 1e-12


def test_conditional_diversity_leaves_out_differences_between_conditions():
    features = RNG.normal(size=(4, 6, 3))
    expected = np.mean([mean_distance(samples) for samples in features])
    apart = features + 1000 * np.arange(4)[:, None, None]
    assert conditional_diversity(apart) == pytest.approx(expected)
    assert diversity(apart.reshape(-1, 3)) > 100 * expected


@pytest.mark.parametrize("shape", [(1, 4), (0, 4), (4,), (2, 3, 4)])
def test_fewer_than_two_samples_or_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"features must be \(N, D\) of at least two samples"):
        diversity(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 1, 4), (0, 2, 4), (3, 4)])
def test_a_condition_with_fewer_than_two_samples_is_refused(shape):
    with pytest.raises(ValueError, match=r"features must be \(K, n, D\) of at least one condition"):
        conditional_diversity(np.zeros(shape))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(wrong):
    features = np.zeros((3, 2, 4))
    features[1, 1, 2] = wrong
    with pytest.raises(ValueError, match="features must be finite"):
        conditional_diversity(features)
