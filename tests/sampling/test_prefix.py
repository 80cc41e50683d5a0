"""Codes that are given: their keys and values are computed at once, and the others follow them."""

import numpy as np
import pytest
from checks import random_codes, randomize, small_gpt, small_vqvae
from keras import ops

import keras_videogpt as kvg
from keras_videogpt.sampling import cache
from keras_videogpt.sampling.cache import cache_length, empty_cache
from keras_videogpt.sampling.draw import uniform_numbers
from keras_videogpt.sampling.prefill import prefill
from keras_videogpt.sampling.sample_codes import sample_codes
from keras_videogpt.sampling.step import encode_conditions

CONDITIONS = {
    "none": ({}, {}),
    "two codebooks": ({}, {}),
    "sparse": ({"attention": "sparse", "block_size": 4, "num_local_blocks": 1}, {}),
    "frames and classes": (
        {"frame_cond": 1, "num_classes": 3, "frame_encoder_depth": 18, "frame_encoder_width": 8},
        {
            "frames": np.random.default_rng(0).uniform(-0.5, 0.5, (2, 1, 8, 8, 3)),
            "labels": np.array([2, 0]),
        },
    ),
}


def random_gpt(name):
    books = {"num_codebooks": 2, "code_dim": 4} if name == "two codebooks" else {}
    vqvae = small_vqvae(video_shape=(6, 8, 8, 3), **books)
    gpt = small_gpt(vqvae, **CONDITIONS[name][0])
    randomize(gpt)
    kernel = np.random.default_rng(1).normal(size=(20, 32)).astype("float32")
    gpt.unembed.kernel.assign(kernel)
    return gpt, CONDITIONS[name][1]


@pytest.fixture(params=CONDITIONS)
def model(request):
    return random_gpt(request.param)


@pytest.mark.parametrize("longest_run", [1, 8])
def test_clips_go_on_from_their_own_first_codes_as_they_were(longest_run, model, monkeypatch):
    monkeypatch.setattr(cache, "LONGEST_RUN", longest_run)
    gpt, conditions = model
    options = {"seed": 3, "temperature": 0.8, "progress": False, **conditions}
    clips, codes = kvg.sample(gpt, 2, return_codes=True, **options)
    assert len(np.unique(codes)) > 4
    for frames in (1, 2):
        again = kvg.sample(gpt, 2, prefix=codes[:, :frames], return_codes=True, **options)
        np.testing.assert_array_equal(again[1], codes)
        np.testing.assert_array_equal(again[0], clips)


def test_other_first_codes_are_kept_and_followed(model):
    gpt, conditions = model
    options = {"seed": 3, "top_k": 1, "progress": False, "return_codes": True, **conditions}
    prefix = random_codes(gpt, 2, seed=5)[:, :1]
    _, codes = kvg.sample(gpt, 2, prefix=prefix, **options)
    np.testing.assert_array_equal(codes[:, :1], prefix)
    logits = gpt.logits(
        codes, **{k: v.astype("float32") if k == "frames" else v for k, v in conditions.items()}
    )
    np.testing.assert_array_equal(codes[:, 1:], logits.argmax(axis=-1)[:, 1:])


@pytest.mark.parametrize("given", [1, 5, 8, 11])
def test_any_number_of_first_codes_may_be_given(given):
    gpt, _ = random_gpt("none")
    uniforms = uniform_numbers(0, 0, 2, 12)
    codes = sample_codes(gpt, uniforms)
    steps = []
    again = sample_codes(
        gpt, uniforms, prefix=codes.reshape(2, -1)[:, :given], on_progress=steps.append
    )
    np.testing.assert_array_equal(again, codes)
    assert sum(steps) == 12 - given


def test_prefilled_keys_and_values_are_those_of_the_first_positions():
    gpt, _ = random_gpt("none")
    flat = random_codes(gpt, 2).reshape(2, -1)
    context = encode_conditions(gpt)
    whole, part = empty_cache(gpt, 2), empty_cache(gpt, 2)
    prefill(gpt, flat, whole, context)
    prefill(gpt, flat[:, :5], part, context)
    assert whole[0][0].shape[1] == 12 and part[0][0].shape[1] == cache_length(gpt, 2, 5)
    for all_of_block, some_of_block in zip(whole, part, strict=True):
        for array, some in zip(all_of_block, some_of_block, strict=True):
            array, some = (ops.convert_to_numpy(ops.stop_gradient(x)) for x in (array, some))
            np.testing.assert_allclose(some[:, :5], array[:, :5], atol=1e-6)
            assert np.abs(array[:, 5:]).min(axis=-1).max() > 0


@pytest.mark.parametrize(
    "shape, message",
    [
        ((2, 3, 2, 2), r"t in \[1, 2\] frames of codes; got \(2, 3, 2, 2\)"),
        ((2, 0, 2, 2), r"t in \[1, 2\]"),
        ((1, 1, 2, 2), r"n=2 clips"),
        ((2,), r"got \(2,\)"),
        ((2, 1, 2, 3), r"prefix must have shape \(B, 1, 2, 2\)"),
    ],
)
def test_a_prefix_of_another_shape_is_an_error(shape, message):
    gpt, _ = random_gpt("none")
    with pytest.raises(ValueError, match=message):
        kvg.sample(gpt, 2, prefix=np.zeros(shape, "int32"), progress=False)


def test_a_prefix_of_codes_that_there_are_not_is_an_error():
    gpt, _ = random_gpt("none")
    with pytest.raises(ValueError, match=r"prefix must lie in \[0, 31\]"):
        kvg.sample(gpt, 2, prefix=np.full((2, 1, 2, 2), 32), progress=False)
    with pytest.raises(ValueError, match="prefix must be integers; got float64"):
        kvg.sample(gpt, 2, prefix=np.zeros((2, 1, 2, 2)), progress=False)
