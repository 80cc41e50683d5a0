"""Wrong arguments are errors whose message names them and says what is accepted."""

import numpy as np
import pytest
from checks import small_gpt, small_vqvae


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


@pytest.fixture(scope="module")
def gpt(vqvae):
    return small_gpt(vqvae)


@pytest.mark.parametrize("downsample", [(3, 2, 2), (2, 32, 2), (2, 2, 0), (8, 2, 2)])
def test_a_downsampling_that_does_not_fit_is_an_error_listing_what_does(downsample):
    accepted = r"one of \[1, 2, 4\]" if downsample[0] != 2 else r"one of \[1, 2, 4, 8, 16\]"
    with pytest.raises(ValueError, match=rf"downsample.*{accepted}; got downsample="):
        small_vqvae(downsample=downsample)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"downsample": (2, 2)}, "downsample must have three factors"),
        ({"video_shape": (16, 16, 3)}, r"video_shape must be \(T, H, W, C\)"),
        ({"num_codes": 0}, "num_codes must be a positive integer; got 0"),
        ({"hidden_units": 7}, "num_heads must divide hidden_units"),
        ({"data_variance": -1.0}, "data_variance must be positive or None; got -1"),
        ({"norm": "instance"}, "norm must be one of"),
        ({"ema_decay": 2.0}, "decay must be in"),
    ],
)
def test_a_tokenizer_names_an_argument_that_is_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        small_vqvae(**options)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((2, 4, 16, 16), "uint8"), r"videos must have shape \(B, 4, 16, 16, 3\)"),
        (np.zeros((2, 4, 16, 12, 3), "uint8"), r"videos must have shape.*got \(2, 4, 16, 12, 3\)"),
        (np.zeros((2, 4, 16, 16, 3), "int32"), "videos must be uint8, or float.*got int32"),
        (np.full((2, 4, 16, 16, 3), 200.0), r"videos of floats must lie in.*got \[200, 200\]"),
        (np.full((2, 4, 16, 16, 3), np.nan), "videos of floats must lie in"),
    ],
)
def test_wrong_videos_are_an_error_that_names_the_argument(vqvae, wrong, message):
    with pytest.raises(ValueError, match=message):
        vqvae.encode(wrong)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((2, 2, 4), "int32"), r"codes must have shape \(B, 2, 4, 4\); got \(2, 2, 4\)"),
        (np.zeros((2, 2, 4, 4)), "codes must be integers; got float64"),
        (np.full((2, 2, 4, 4), 32), r"codes must lie in \[0, 31\]; got values in \[32, 32\]"),
        (np.full((2, 2, 4, 4), -1), r"codes must lie in \[0, 31\]"),
    ],
)
def test_wrong_codes_are_an_error_that_names_the_argument(vqvae, wrong, message):
    with pytest.raises(ValueError, match=message):
        vqvae.decode(wrong)


def test_a_batch_size_below_1_is_an_error(vqvae, videos):
    with pytest.raises(ValueError, match="batch_size must be a positive integer; got 0"):
        vqvae.encode(videos, batch_size=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_layers": 0}, "num_layers must be a positive integer; got 0"),
        ({"num_heads": 3}, "num_heads must divide hidden_dim; got num_heads=3"),
        ({"hidden_dim": 2.5}, "hidden_dim must be a positive integer"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\); got 1.0"),
        ({"tokenizer": "vqvae.keras"}, "tokenizer must be a VQVAE; got str"),
    ],
)
def test_a_prior_names_an_argument_that_is_out_of_range(options, message, vqvae):
    with pytest.raises(ValueError, match=message):
        small_gpt(**{"tokenizer": vqvae, **options})


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((2, 2, 4, 4, 1), "int32"), r"codes must have shape \(B, 2, 4, 4\)"),
        (np.zeros((2, 2, 4, 4)), "codes must be integers; got float64"),
        (np.full((2, 2, 4, 4), 32), r"codes must lie in \[0, 31\]"),
    ],
)
def test_a_prior_names_codes_that_are_wrong(gpt, wrong, message):
    with pytest.raises(ValueError, match=message):
        gpt.logits(wrong)


def test_bits_of_something_else_are_an_error(gpt):
    with pytest.raises(ValueError, match="videos_or_codes must have shape"):
        gpt.bits_per_dim(np.zeros((2, 3, 4, 4), "int32"))
    with pytest.raises(ValueError, match="videos_or_codes of floats must lie in"):
        gpt.bits_per_dim(np.full((2, 4, 16, 16, 3), 9.0))
