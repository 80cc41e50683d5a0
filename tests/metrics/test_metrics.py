import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.metrics import CodebookPerplexity, CodesUsed, code_entropy, psnr

RNG = np.random.default_rng(0)


def perplexity(codes, num_codes):
    shares = np.bincount(codes.ravel(), minlength=num_codes) / codes.size
    shares = shares[shares > 0]
    return np.exp(-(shares * np.log(shares)).sum())


def value(metric):
    return float(ops.convert_to_numpy(metric.result()))


def test_perplexity_is_that_of_each_batch_averaged():
    batches = [RNG.integers(0, 5, (2, 3, 4)), RNG.integers(3, 16, (2, 3, 4))]
    metric = CodebookPerplexity(16)
    for batch in batches:
        metric.update_state(ops.convert_to_tensor(batch.astype("int32")))
    expected = np.mean([perplexity(batch, 16) for batch in batches])
    assert value(metric) == pytest.approx(expected, rel=1e-5)


def test_perplexity_is_averaged_over_codebooks():
    codes = np.stack([RNG.integers(0, 3, (4, 5)), RNG.integers(0, 16, (4, 5))], axis=-1)
    metric = CodebookPerplexity(16, num_codebooks=2)
    metric.update_state(ops.convert_to_tensor(codes.astype("int32")))
    expected = np.mean([perplexity(codes[..., g], 16) for g in range(2)])
    assert value(metric) == pytest.approx(expected, rel=1e-5)


def test_share_of_codes_used_adds_up_over_batches_until_reset():
    metric = CodesUsed(8)
    metric.update_state(np.array([[0, 1], [1, 1]], "int32"))
    assert value(metric) == 0.25
    metric.update_state(np.array([1, 7], "int32"))
    assert value(metric) == 0.375
    metric.reset_state()
    assert value(metric) == 0


def test_share_of_codes_used_counts_each_codebook_by_itself():
    metric = CodesUsed(4, num_codebooks=2)
    metric.update_state(np.array([[0, 3], [1, 3], [2, 3]], "int32"))
    assert value(metric) == 0.5


@pytest.mark.parametrize("kind", [CodebookPerplexity, CodesUsed])
def test_copies_by_config_measure_the_same(kind):
    metric = kind(16, 2, name="mine")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert copy.name == "mine"
    codes = RNG.integers(0, 12, (5, 2)).astype("int32")
    metric.update_state(codes)
    copy.update_state(codes)
    assert value(metric) == value(copy) > 0


def test_code_entropy_equals_the_histogram_s():
    codes = np.repeat(np.arange(3), [8, 4, 4])
    assert code_entropy(codes, 16) == pytest.approx(1.5)
    assert code_entropy(np.stack([codes, codes * 0], axis=-1), 16, 2) == pytest.approx(0.75)


def test_psnr_is_averaged_over_the_frames_of_a_clip():
    video = RNG.integers(0, 200, (2, 3, 4, 5, 3)).astype("uint8")
    other = video + RNG.integers(0, 50, video.shape).astype("uint8")
    error = np.square(video.astype("float64") - other).mean(axis=(2, 3, 4))
    expected = (20 * np.log10(255) - 10 * np.log10(error)).mean(axis=1)
    np.testing.assert_allclose(psnr(video, other), expected, rtol=1e-6)
    np.testing.assert_allclose(psnr(video, video), 100)


@pytest.mark.parametrize("wrong", [np.zeros((1, 2, 4, 4, 3)), np.zeros((2, 4, 4, 3), "uint8")])
def test_psnr_names_the_argument_that_is_wrong(wrong):
    with pytest.raises(ValueError, match="reference must be"):
        psnr(wrong, np.zeros((1, 2, 4, 4, 3), "uint8"))
    with pytest.raises(ValueError, match="video must be uint8; got float64"):
        psnr(np.zeros((1, 2, 4, 4, 3), "uint8"), np.zeros((1, 2, 4, 4, 3)))
