"""Converted checkpoints compute what the original code computes with them."""

import keras
import numpy as np
import pytest
from checks import assert_same_weights, stepped_logits, weights_of
from keras import ops
from original import PRIORS, TOKENIZERS, builder, conditions, outputs

import keras_videogpt as kvg


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A function from a case to its converted model, each converted once."""
    folder = tmp_path_factory.mktemp("checkpoints")
    models = {}

    def convert(case):
        if case not in models:
            builder().write_checkpoint(case, folder / f"{case}.ckpt")
            models[case] = kvg.convert.from_pytorch(folder / f"{case}.ckpt")
        return models[case]

    return convert


def assert_close(actual, expected, tolerance):
    """Within `tolerance` of the largest magnitude."""
    actual = ops.convert_to_numpy(actual).reshape(expected.shape)
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("case", TOKENIZERS)
def test_tokenizers_encode_and_decode_as_the_original(case, converted):
    model, expected = converted(case), outputs(case)
    assert isinstance(model, kvg.VQVAE)
    features = model.encoder.predict(expected["video"], verbose=0)
    assert_close(features, expected["encoder_out"], 1e-4)
    assert_close(model.get_layer("pre_quantization")(features), expected["pre_vq"], 1e-4)
    codes = model.encode(expected["video"])
    clear = expected["code_margin"] > 1e-3
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(codes[clear], expected["codes"][clear])
    assert_close(model.decode(expected["codes"]), expected["reconstruction"], 1e-4)


@pytest.mark.parametrize("case", TOKENIZERS)
def test_losses_in_inference_equal_the_original_s(case, converted):
    model, expected = converted(case), outputs(case)
    model.compile()
    figures = model.evaluate(expected["video"], batch_size=2, verbose=0, return_dict=True)
    assert figures["reconstruction_loss"] == pytest.approx(expected["recon_loss"], rel=1e-4)
    assert figures["commitment_loss"] == pytest.approx(expected["commitment_loss"], rel=1e-4)
    assert figures["perplexity"] == pytest.approx(expected["perplexity"], rel=1e-4)


@pytest.mark.parametrize("case", TOKENIZERS)
def test_a_training_step_equals_the_original_s(case, converted):
    expected = outputs(case)
    model = kvg.VQVAE.from_config(converted(case).get_config())
    model.set_weights(converted(case).get_weights())
    # At a learning rate of 1 a kernel moves by its gradient.
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    kernels = [
        model.encoder.get_layer("downsample_0").kernel,
        model.get_layer("pre_quantization").kernel,
    ]
    before = [ops.convert_to_numpy(kernel).copy() for kernel in kernels]
    figures = model.train_on_batch(expected["video"], return_dict=True)
    for name, theirs in (
        ("reconstruction_loss", "train_recon_loss"),
        ("commitment_loss", "train_commitment_loss"),
        ("perplexity", "train_perplexity"),
    ):
        assert figures[name] == pytest.approx(expected[theirs], rel=1e-4)
    quantizer = model.quantizer
    for variable, theirs in (
        (quantizer.counts, "ema_counts"),
        (quantizer.sums, "ema_sums"),
        (quantizer.codebook, "ema_embeddings"),
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(variable)[0], expected[theirs], atol=1e-5)
    for kernel, old, theirs in zip(
        kernels, before, ("grad_encoder_conv0", "grad_pre_vq"), strict=True
    ):
        gradient = (old - ops.convert_to_numpy(kernel)).transpose(4, 3, 0, 1, 2)
        assert_close(gradient, expected[theirs], 1e-3)


@pytest.mark.parametrize("case", PRIORS)
def test_priors_predict_as_the_original(case, converted):
    model, expected = converted(case), outputs(case)
    assert isinstance(model, kvg.VideoGPT)
    given = conditions(case, expected)
    np.testing.assert_array_equal(model.tokenizer.encode(expected["video"]), expected["codes"])
    logits = model.logits(expected["codes"], **given)
    assert np.abs(expected["logits"]).max() > 1
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-4)
    bits = model.bits_per_dim(expected["video"], **given)
    assert bits.mean() * np.log(2) == pytest.approx(expected["loss"], abs=1e-4)
    model.compile()
    batch = {"video": expected["video"]}
    batch |= {"label": expected["label"]} if "label" in expected else {}
    figures = model.evaluate(batch, batch_size=2, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(expected["loss"], abs=1e-4)


@pytest.mark.parametrize("case", PRIORS)
def test_cached_steps_give_the_original_s_logits(case, converted):
    model, expected = converted(case), outputs(case)
    logits = stepped_logits(model, expected["codes"], 32, **conditions(case, expected))
    np.testing.assert_allclose(
        logits.reshape(expected["logits"].shape), expected["logits"], rtol=0, atol=1e-4
    )


def test_features_of_the_given_frames_equal_the_original_s(converted):
    model, expected = converted("gpt_frame"), outputs("gpt_frame")
    frames = conditions("gpt_frame", expected)["frames"]
    encoded = model.condition_encoder.predict({"frames": frames}, verbose=0)
    assert_close(encoded["memory"], expected["frame_cond_features"], 1e-4)


def test_the_sparse_layout_equals_the_original_s(converted):
    layout = converted("gpt_sparse").blocks[0].attention.layout
    np.testing.assert_array_equal(layout, outputs("gpt_sparse")["block_layout"].astype(bool))


@pytest.mark.parametrize("case", PRIORS)
def test_converted_priors_are_saved_sample_and_train_on(case, converted, tmp_path):
    model, expected = converted(case), outputs(case)
    given = conditions(case, expected)
    model.save(tmp_path / "gpt.keras")
    loaded = kvg.load(tmp_path / "gpt.keras")
    assert_same_weights(weights_of(loaded), weights_of(model))
    np.testing.assert_array_equal(
        loaded.logits(expected["codes"], **given), model.logits(expected["codes"], **given)
    )
    first, again = (
        kvg.sample(one, n=2, seed=0, progress=False, **given) for one in (model, loaded)
    )
    assert first.shape == expected["video"].shape and first.std() > 1
    np.testing.assert_array_equal(first, again)

    batch = {"video": expected["video"]}
    batch |= {"label": expected["label"]} if "label" in expected else {}
    before = weights_of(loaded.tokenizer)
    loaded.compile(optimizer=keras.optimizers.Adam(1e-3))
    losses = loaded.fit(batch, batch_size=2, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert_same_weights(weights_of(loaded.tokenizer), before)
    assert losses[0] == pytest.approx(expected["loss"], rel=0.3)


def test_converted_tokenizers_are_saved_and_train_on_without_a_new_codebook(converted, tmp_path):
    model, expected = converted("vqvae_4x4x4"), outputs("vqvae_4x4x4")
    model.save(tmp_path / "vqvae.keras")
    loaded = kvg.load(tmp_path / "vqvae.keras")
    np.testing.assert_array_equal(loaded.encode(expected["video"]), expected["codes"])
    before = ops.convert_to_numpy(loaded.quantizer.codebook)
    loaded.compile(optimizer=keras.optimizers.Adam(1e-4))
    losses = loaded.fit(expected["video"], batch_size=2, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    moved = np.abs(ops.convert_to_numpy(loaded.quantizer.codebook) - before).max()
    assert 0 < moved < 0.5
