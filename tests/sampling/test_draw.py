import numpy as np
import pytest
from keras import ops

from keras_videogpt.sampling.draw import draw, filter_logits, uniform_numbers

LOGITS = np.random.default_rng(0).normal(0, 2, size=(5, 12)).astype("float32")


def softmax(logits):
    weights = np.exp(logits.astype("float64") - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def filtered(logits, *args):
    return ops.convert_to_numpy(filter_logits(ops.convert_to_tensor(logits), *args))


def drawn(logits, uniform):
    uniform = np.asarray(uniform, "float32")
    return ops.convert_to_numpy(draw(ops.convert_to_tensor(logits), ops.convert_to_tensor(uniform)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_distribution_at_a_temperature(temperature):
    count = 20000
    logits = filtered(LOGITS[:1], temperature)
    uniform = np.random.default_rng(1).random(count)
    codes = drawn(np.repeat(logits, count, axis=0), uniform)
    expected = softmax(LOGITS[0] / temperature) * count
    seen = np.bincount(codes, minlength=12)
    chi_square = (np.square(seen - expected) / expected)[expected > 5].sum()
    assert chi_square < 31.3  # 0.1 % of draws of the right distribution lie above (11 degrees)


def test_a_code_is_where_its_uniform_number_falls_in_the_cumulative_distribution():
    probabilities = np.array([0.25, 0.0, 0.5, 0.25])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities).astype("float32")
    uniform = [0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 1 - 2**-24]
    np.testing.assert_array_equal(drawn(np.tile(logits, (7, 1)), uniform), [0, 0, 2, 2, 2, 3, 3])


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
def test_a_code_that_is_ruled_out_is_never_drawn(uniform):
    logits = np.full((3, 1024), -np.inf, "float32")
    logits[:, 300:700] = np.random.default_rng(0).normal(size=400)
    codes = drawn(logits, np.full(3, uniform))
    np.testing.assert_array_equal(codes, 300 if uniform == 0 else 699)


@pytest.mark.parametrize("top_k", [1, 3, 12])
def test_top_k_keeps_the_likeliest_codes(top_k):
    kept = np.isfinite(filtered(LOGITS, 1.0, top_k))
    ranks = (-LOGITS).argsort(axis=1).argsort(axis=1)
    np.testing.assert_array_equal(kept, ranks < top_k)


@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.75, 0.999, 1.0])
@pytest.mark.parametrize("top_k", [None, 4])
def test_top_p_keeps_the_likeliest_codes_until_they_have_the_probability(top_p, top_k):
    temperature = 1.5
    result = filtered(LOGITS, temperature, top_k, top_p)
    for row, logits in zip(result, LOGITS / temperature, strict=True):
        order = np.argsort(-logits)[: top_k or len(logits)]
        probabilities = softmax(logits[order])
        before = np.cumsum(probabilities) - probabilities
        expected = set(order[before < top_p])
        assert set(np.flatnonzero(np.isfinite(row))) == expected
        kept = sorted(expected)
        np.testing.assert_allclose(row[kept], logits[kept], rtol=1e-6)


def test_uniform_numbers_of_a_clip_depend_on_seed_and_clip_alone():
    numbers = uniform_numbers(3, 0, 6, 100)
    assert numbers.shape == (100, 6) and numbers.dtype == np.float32
    assert 0 <= numbers.min() and numbers.max() < 1 and len(np.unique(numbers)) > 590
    np.testing.assert_array_equal(uniform_numbers(3, 4, 2, 100), numbers[:, 4:])
    np.testing.assert_array_equal(uniform_numbers(3, 0, 6, 40), numbers[:40])
    assert (uniform_numbers(4, 0, 6, 100) != numbers).mean() > 0.99
