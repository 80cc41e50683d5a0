import math

import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_videogpt.metrics import CodebookPerplexity, CodesUsed, code_entropy, psnr
from keras_videogpt.metrics.likelihood import bits_per_pixel_dimension, entropy_of_counts
from keras_videogpt.metrics.normalized_error import normalized_mse
from keras_videogpt.metrics.reconstruction import psnr_per_frame

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


def test_entropy_of_one_code_is_zero_and_not_below():
    entropy = entropy_of_counts(np.array([[0, 9, 0], [4, 0, 0]]))
    assert math.copysign(1, entropy) == 1 and entropy == 0
    assert math.copysign(1, code_entropy(np.zeros(5, int), 3)) == 1


def test_entropy_of_counts_is_that_of_the_codes():
    codes = np.stack([RNG.integers(0, 5, 40), RNG.integers(2, 16, 40)], axis=-1)
    counts = np.stack([np.bincount(book, minlength=16) for book in codes.T])
    assert entropy_of_counts(counts) == code_entropy(codes, 16, 2)
    expected = np.mean([np.log2(perplexity(book, 16)) for book in codes.T])
    assert entropy_of_counts(counts) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("codes", "num_codebooks", "message"),
    [
        ([9], 1, r"codes must lie in \[0, 3\]; got values in \[9, 9\]"),
        ([-1, 2], 1, r"codes must lie in \[0, 3\]; got values in \[-1, 2\]"),
        (np.zeros((0, 2), int), 1, r"codes must be integers, not empty.*got int64 of shape \(0, 2"),
        ([0.0, 1.0], 1, "codes must be integers.*got float64"),
        ([0, 1, 2], 2, "codes must be integers.* 2 codebooks; got int64 of shape"),
        ([0], 0, "num_codebooks must be a positive integer; got 0"),
    ],
)
def test_code_entropy_names_the_argument_that_is_wrong(codes, num_codebooks, message):
    with pytest.raises(ValueError, match=message):
        code_entropy(codes, 4, num_codebooks)


@pytest.mark.parametrize("counts", [[4, 4], [[0, 0], [1, 2]], [[-1, 3]], [[np.nan, 1]], [[]]])
def test_counts_that_are_no_histograms_are_refused(counts):
    with pytest.raises(ValueError, match=r"counts must be \(G, num_codes\)"):
        entropy_of_counts(np.array(counts))


@pytest.mark.parametrize("kind", [list, torch.from_numpy, ops.convert_to_tensor])
def test_psnr_takes_lists_and_tensors_too(kind):
    video = RNG.integers(0, 200, (2, 3, 4, 5, 3)).astype("uint8")
    np.testing.assert_array_equal(psnr(kind(video), kind(video + 9)), psnr(video, video + 9))
    with pytest.raises(ValueError, match="reference must be uint8; got int64"):
        psnr(video.tolist(), video)


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


def test_a_frame_s_psnr_is_that_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image")
    reference = RNG.integers(0, 256, (2, 3, 8, 9, 3)).astype("uint8")
    noise = RNG.normal(0, 1, reference.shape) * np.array([0.5, 8, 90])[:, None, None, None]
    video = np.clip(reference + noise, 0, 255).astype("uint8")
    expected = [
        [metrics.peak_signal_noise_ratio(*frames) for frames in zip(*clips, strict=True)]
        for clips in zip(reference, video, strict=True)
    ]
    np.testing.assert_allclose(psnr_per_frame(reference, video), expected, atol=2e-4)


def test_psnr_says_which_video_does_not_fit():
    with pytest.raises(ValueError, match="video must be broadcastable to reference"):
        psnr(np.zeros((1, 2, 4, 4, 3), "uint8"), np.zeros((1, 3, 4, 4, 3), "uint8"))


def test_normalized_mse_of_the_mean_colour_is_one():
    video = RNG.integers(0, 2, (4, 3, 8, 8, 3)).astype("uint8") * 254
    mean = np.full_like(video, 127)
    assert normalized_mse(video, mean, (127 / 255) ** 2) == pytest.approx(np.ones(4), rel=1e-5)


def test_normalized_mse_is_the_mean_squared_error_of_a_clip_over_the_variance():
    video = RNG.integers(0, 256, (2, 3, 4, 5, 3)).astype("uint8")
    other = RNG.integers(0, 256, (2, 3, 4, 5, 3)).astype("uint8")
    error = np.square(video / 255 - other / 255).mean(axis=(1, 2, 3, 4))
    np.testing.assert_allclose(normalized_mse(video, other, 0.06), error / 0.06, rtol=1e-5)


@pytest.mark.parametrize("variance", [0, -1.0, np.nan, np.inf, None, "1"])
def test_normalized_mse_wants_a_positive_variance(variance):
    video = np.zeros((1, 2, 4, 4, 3), "uint8")
    with pytest.raises(ValueError, match="variance must be a positive number"):
        normalized_mse(video, video, variance)


def test_bits_of_codes_are_spread_over_the_values_of_a_clip():
    # 10 bits for each of 8 x 32 x 32 codes: 81,920 bits for 196,608 values.
    assert bits_per_pixel_dimension(10, (8, 32, 32), (16, 64, 64, 3)) == 81920 / 196608
    one = bits_per_pixel_dimension(2.5, (4, 16, 16), (16, 64, 64, 3))
    assert bits_per_pixel_dimension(2.5, (4, 16, 16, 8), (16, 64, 64, 3)) == 8 * one


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((-1.0, (8, 32, 32), (16, 64, 64, 3)), "bits_per_code"),
        ((np.nan, (8, 32, 32), (16, 64, 64, 3)), "bits_per_code"),
        ((1.0, (32, 32), (16, 64, 64, 3)), "codes_shape"),
        ((1.0, (8, 32, 0), (16, 64, 64, 3)), "codes_shape"),
        ((1.0, (8, 32, 32), (16, 64, 64)), "video_shape"),
    ],
)
def test_bits_per_pixel_dimension_names_the_argument_that_is_wrong(arguments, named):
    with pytest.raises(ValueError, match=f"{named} must be"):
        bits_per_pixel_dimension(*arguments)
