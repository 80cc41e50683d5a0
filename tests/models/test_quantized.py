"""A prior with int8 weights: what it computes, draws and saves, and what it refuses."""

import numpy as np
import pytest
from checks import (
    SMALL_GPT,
    assert_same_weights,
    random_codes,
    randomize,
    small_gpt,
    small_vqvae,
    stepped_logits,
    weights_of,
)
from keras import ops

import keras_videogpt as kvg
from keras_videogpt import VideoGPT
from keras_videogpt.layers.int8_weights import dense_layers, float_kernel

OPTIONS = {
    "full": {},
    "sparse, frames and actions": {
        "attention": "sparse",
        "block_size": 4,
        "frame_cond": 1,
        "frame_encoder_depth": 18,
        "frame_encoder_width": 12,
        "action_shape": (4, 2),
        "action_conditioning": "frame",
    },
}


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


def random_gpt(vqvae, **options):
    gpt = small_gpt(vqvae, **options)
    randomize(gpt)
    return gpt


def conditions_of(gpt, count=2):
    if not gpt.frame_cond:
        return {}
    rng = np.random.default_rng(0)
    return {
        "frames": rng.integers(0, 256, (count, 1, 16, 16, 3), "uint8"),
        "actions": rng.normal(size=(count, 4, 2)).astype("float32"),
    }


def linear_layers(gpt):
    return dense_layers([gpt.embed, *gpt.blocks, gpt.unembed])


def other_weights(gpt):
    linear = {id(dense.kernel) for dense in linear_layers(gpt)}
    scales = {id(getattr(dense, "kernel_scale", None)) for dense in linear_layers(gpt)}
    return [np.array(weight) for weight in gpt.weights if id(weight) not in linear | scales]


class Quantized:
    """A prior that was quantized, and what it was and gave before."""

    def __init__(self, gpt):
        self.kernels = [np.array(dense.kernel) for dense in linear_layers(gpt)]
        self.others = other_weights(gpt)
        self.codes, self.conditions = random_codes(gpt), conditions_of(gpt)
        self.logits = gpt.logits(self.codes, **self.conditions)
        self.bits = gpt.bits_per_dim(self.codes, **self.conditions)
        gpt.quantize("int8")
        self.gpt = gpt


@pytest.fixture(scope="module", params=OPTIONS)
def case(request, vqvae):
    return Quantized(random_gpt(vqvae, **OPTIONS[request.param]))


@pytest.fixture(scope="module")
def quantized(vqvae):
    gpt = random_gpt(vqvae)
    gpt.quantize("int8")
    return gpt


def test_every_weight_is_the_nearest_of_255_multiples_of_a_scale_of_its_column(case):
    assert len(case.kernels) == 2 + 2 * (8 if case.gpt.frame_cond else 4)
    for dense, kernel in zip(linear_layers(case.gpt), case.kernels, strict=True):
        integers = ops.convert_to_numpy(dense.kernel)
        assert integers.dtype == np.int8 and (np.abs(integers).max(axis=0) == 127).all()
        step = np.abs(kernel).max(axis=0) / 127
        rounded = ops.convert_to_numpy(float_kernel(dense))
        assert (np.abs(rounded - kernel) <= 0.501 * step).all()


def test_all_but_the_transformers_linear_layers_stays_as_it_was(case, videos):
    assert_same_weights(other_weights(case.gpt), case.others)
    codes = small_vqvae().encode(videos[:2])
    np.testing.assert_array_equal(case.gpt.tokenizer.encode(videos[:2]), codes)


def test_logits_change_little_and_steps_give_the_same(case):
    logits = case.gpt.logits(case.codes, **case.conditions)
    assert 1e-4 < np.abs(logits - case.logits).max() < 0.05 * np.abs(case.logits).max()
    bits = case.gpt.bits_per_dim(case.codes, **case.conditions)
    assert 0 < np.abs(bits - case.bits).max() < 0.05
    stepped = stepped_logits(case.gpt, case.codes, 4, **case.conditions)
    np.testing.assert_allclose(stepped.reshape(logits.shape), logits, atol=1e-4)


def greedy(gpt, **options):
    return kvg.sample(gpt, 3, top_k=1, seed=0, return_codes=True, progress=False, **options)[1]


def assert_follows_its_logits(codes, gpt, margin, start=0):
    """Codes from a latent frame on are the likeliest after those before, within a margin."""
    logits = gpt.logits(codes)
    chosen = np.take_along_axis(logits, codes[..., None], axis=-1)[..., 0]
    assert (logits.max(axis=-1) - chosen)[:, start:].max() <= margin


def test_a_model_quantized_after_it_was_sampled_is_sampled_with_its_new_weights(vqvae):
    gpt = random_gpt(vqvae)
    before = greedy(gpt), greedy(gpt, dtype="bfloat16")
    for dense in linear_layers(gpt):
        dense.kernel.assign(-1.0 * np.array(dense.kernel))
    gpt.quantize("int8")
    after = greedy(gpt), greedy(gpt, dtype="bfloat16")
    for codes, earlier, margin in zip(after, before, (1e-4, 0.1), strict=True):
        assert_follows_its_logits(codes, gpt, margin)
        assert (codes != earlier).mean() > 0.5


def test_given_codes_are_gone_on_from(quantized):
    given = random_codes(quantized, 3)[:, :1]
    codes = greedy(quantized, prefix=given)
    np.testing.assert_array_equal(codes[:, :1], given)
    assert_follows_its_logits(codes, quantized, 1e-4, start=1)


def test_a_prior_trained_in_mixed_bfloat16_is_quantized(vqvae):
    gpt = random_gpt(vqvae, dtype="mixed_bfloat16")
    codes = random_codes(gpt)
    before = gpt.logits(codes)
    gpt.quantize("int8")
    assert 0 < np.abs(gpt.logits(codes) - before).max() < 0.1


def test_a_file_loads_as_quantized_with_the_same_numbers(quantized, tmp_path):
    codes = random_codes(quantized)
    quantized.save(tmp_path / "quantized.keras")
    loaded = kvg.load(tmp_path / "quantized.keras")
    assert loaded.quantization == "int8"
    assert_same_weights(weights_of(loaded), weights_of(quantized))
    np.testing.assert_allclose(loaded.logits(codes), quantized.logits(codes), atol=1e-6)
    copy = VideoGPT.from_config(quantized.get_config())
    quantized.save_weights(tmp_path / "quantized.weights.h5")
    copy.load_weights(tmp_path / "quantized.weights.h5")
    assert_same_weights(weights_of(copy), weights_of(quantized))


def test_weights_of_the_other_kind_are_refused(quantized, vqvae, tmp_path):
    gpt = random_gpt(vqvae)
    for model, name in ((quantized, "int8"), (gpt, "float")):
        model.save_weights(tmp_path / f"{name}.weights.h5")
    with pytest.raises(ValueError):
        gpt.load_weights(tmp_path / "int8.weights.h5")
    with pytest.raises(ValueError):
        quantized.load_weights(tmp_path / "float.weights.h5")


def test_a_file_has_a_quarter_of_the_priors_bytes_and_no_optimizer(vqvae, tmp_path):
    gpt = small_gpt(vqvae, hidden_dim=128)
    gpt.optimizer.build(gpt.trainable_variables)

    def bytes_of_file(model):
        model.save(tmp_path / "model.keras")
        return (tmp_path / "model.keras").stat().st_size

    trained = bytes_of_file(gpt)
    plain = VideoGPT(vqvae, **{**SMALL_GPT, "hidden_dim": 128})
    plain.set_weights(gpt.get_weights())
    saved = sum(dense.kernel.value.shape[0] * dense.units for dense in linear_layers(plain)) * 3
    in_float32 = bytes_of_file(plain)
    gpt.quantize("int8")
    assert not gpt.compiled and gpt.optimizer is None
    in_int8 = bytes_of_file(gpt)
    assert in_int8 < 0.45 * in_float32 < 0.25 * trained
    assert in_float32 - in_int8 == pytest.approx(saved, rel=0.05)


@pytest.mark.parametrize("mode", ["int4", "int3", None])
def test_another_mode_is_an_error_that_names_what_is_accepted(mode, vqvae):
    gpt = small_gpt(vqvae)
    with pytest.raises(ValueError, match=r"mode must be one of \('int8',\); got " + repr(mode)):
        gpt.quantize(mode)
    assert gpt.quantization is None and gpt.optimizer is not None


def test_quantizing_twice_is_an_error(quantized):
    with pytest.raises(ValueError, match="quantized already, to int8"):
        quantized.quantize("int8")


def test_training_is_an_error(quantized):
    with pytest.raises(ValueError, match="quantized to int8 can't be trained"):
        quantized.fit(random_codes(quantized))
    assert not quantized.trainable_variables


def test_float16_is_an_error(quantized, vqvae):
    with pytest.raises(ValueError, match="float32 or bfloat16 .* got one with dtype 'mixed_float1"):
        small_gpt(vqvae, dtype="mixed_float16").quantize("int8")
    with pytest.raises(ValueError, match="dtype of a model quantized to int8 .* got 'float16'"):
        kvg.sample(quantized, 1, dtype="float16", progress=False)
