"""What a prior computes."""

import math

import keras
import numpy as np
import pytest
from checks import (
    assert_same_weights,
    random_codes,
    randomize,
    small_gpt,
    small_vqvae,
    stepped_logits,
    weights_of,
)
from keras import ops

from keras_videogpt import VideoGPT


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


@pytest.fixture(scope="module")
def gpt(vqvae):
    gpt = small_gpt(vqvae)
    randomize(gpt)
    return gpt


@pytest.fixture(scope="module")
def two_books():
    vqvae = small_vqvae(num_codebooks=2, code_dim=4, video_shape=(2, 8, 8, 3))
    gpt = small_gpt(vqvae)
    randomize(gpt)
    return gpt


def sequence(logits, model):
    """Logits in the order of prediction, `(B, L, K)`."""
    return logits.reshape(len(logits), model.length, model.tokenizer.num_codes)


@pytest.mark.parametrize("name", ["gpt", "two_books"])
def test_a_code_changes_later_logits_and_neither_its_own_nor_earlier_ones(name, request):
    model = request.getfixturevalue(name)
    codes = random_codes(model)
    before = sequence(model.logits(codes), model)
    for position in (0, model.length // 2, model.length - 2):
        changed = codes.reshape(2, -1).copy()
        changed[:, position] = (changed[:, position] + 1) % 32
        after = sequence(model.logits(changed.reshape(codes.shape)), model)
        moved = np.abs(after - before).max(axis=(0, 2))
        assert moved[: position + 1].max() < 1e-6
        assert (moved[position + 1 :] > 1e-5).all()


@pytest.mark.parametrize("name", ["gpt", "two_books"])
def test_cached_logits_equal_teacher_forced_ones(name, request):
    model = request.getfixturevalue(name)
    codes = random_codes(model)
    expected = sequence(model.logits(codes), model)
    assert expected.std() > 0.1
    np.testing.assert_allclose(stepped_logits(model, codes, 8), expected, atol=1e-4)


def test_before_training_every_code_costs_the_log_of_their_number(vqvae):
    gpt = small_gpt(vqvae)
    codes = random_codes(gpt, 4)
    figures = gpt.evaluate(codes, batch_size=4, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(math.log(32), rel=1e-5)
    assert figures["bits_per_code"] == pytest.approx(5, rel=1e-5)


def test_arrays_and_tensors_give_the_same_logits(gpt):
    codes = random_codes(gpt, 5)
    logits = gpt.logits(codes, batch_size=2)
    tensor = gpt.logits(ops.convert_to_tensor(codes))
    assert isinstance(logits, np.ndarray) and ops.is_tensor(tensor)
    assert logits.shape == (5, 2, 4, 4, 32) and logits.dtype == np.float32
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), logits, atol=1e-5)


def test_called_on_video_it_sees_the_tokenizer_s_codes(gpt, vqvae, videos):
    outputs = gpt.predict_on_batch(videos[:2])
    codes = outputs["codes"]
    np.testing.assert_array_equal(codes, vqvae.encode(videos[:2]))
    np.testing.assert_allclose(outputs["logits"], gpt.logits(codes), atol=1e-5)


@pytest.mark.parametrize("name", ["gpt", "two_books"])
def test_bits_per_dim_are_the_cross_entropy(name, request):
    model = request.getfixturevalue(name)
    codes = random_codes(model, 3)
    logits = sequence(model.logits(codes), model).astype("float64")
    chosen = np.take_along_axis(logits, codes.reshape(3, -1, 1), axis=-1)[..., 0]
    nats = np.log(np.exp(logits).sum(axis=-1)) - chosen
    bits = model.bits_per_dim(codes, batch_size=2)
    assert bits.shape == (3,) and bits.dtype == np.float32
    np.testing.assert_allclose(bits, nats.mean(axis=1) / math.log(2), rtol=1e-4)
    loss = model.evaluate(codes, batch_size=3, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(nats.mean(), rel=1e-4)


def test_videos_and_their_codes_have_equal_bits(gpt, vqvae, videos):
    from_video = gpt.bits_per_dim(videos)
    np.testing.assert_allclose(from_video, gpt.bits_per_dim(vqvae.encode(videos)), rtol=1e-5)
    scaled = videos.astype("float32") / 255 - 0.5
    np.testing.assert_allclose(gpt.bits_per_dim(scaled), from_video, rtol=1e-5)


def test_copies_by_config_and_file_give_the_same_logits(gpt, tmp_path):
    codes = random_codes(gpt)
    expected = gpt.logits(codes)
    copy = VideoGPT.from_config(gpt.get_config())
    copy.set_weights(gpt.get_weights())
    np.testing.assert_allclose(copy.logits(codes), expected, atol=1e-6)
    gpt.save(tmp_path / "gpt.keras")
    loaded = keras.saving.load_model(tmp_path / "gpt.keras")
    assert_same_weights(weights_of(loaded), weights_of(gpt))
    np.testing.assert_allclose(loaded.logits(codes), expected, atol=1e-6)


def test_in_mixed_bfloat16_logits_are_float32_and_it_trains(vqvae):
    gpt = small_gpt(vqvae, dtype="mixed_bfloat16")
    codes = random_codes(gpt, 4)
    gpt.fit(codes, batch_size=2, verbose=0)
    logits = gpt.logits(codes)
    assert gpt.blocks[0].compute_dtype == "bfloat16" and logits.dtype == np.float32
    assert np.isfinite(logits).all() and logits.std() > 0
    assert {w.dtype for w in gpt.trainable_variables} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in weights_of(gpt))
