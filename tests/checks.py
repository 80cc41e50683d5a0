"""What several tests need: small models, random weights, and the checks of every layer."""

import keras
import numpy as np
from keras import ops

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.layers import key_value_cache
from keras_videogpt.sampling.cache import empty_cache, grow
from keras_videogpt.sampling.decoding_loop import end_run
from keras_videogpt.sampling.step import encode_conditions, step

SMALL_VQVAE = {
    "video_shape": (4, 16, 16, 3),
    "downsample": (2, 4, 4),
    "num_codes": 32,
    "code_dim": 8,
    "hidden_units": 16,
    "num_residual_layers": 1,
    "seed": 0,
}
SMALL_GPT = {"num_layers": 2, "num_heads": 2, "hidden_dim": 20, "dropout": 0.0, "seed": 0}


def small_vqvae(**options) -> VQVAE:
    """A compiled tokenizer of a few thousand weights, always the same ones."""
    keras.utils.set_random_seed(0)
    vqvae = VQVAE(**{**SMALL_VQVAE, **options})
    vqvae.compile(optimizer=keras.optimizers.Adam(1e-3))
    return vqvae


def small_gpt(tokenizer, **options) -> VideoGPT:
    """A compiled prior of a few thousand weights, always the same ones."""
    keras.utils.set_random_seed(0)
    gpt = VideoGPT(tokenizer, **{**SMALL_GPT, **options})
    gpt.compile(optimizer=keras.optimizers.Adam(1e-3))
    return gpt


def randomize(layer, seed: int = 0, scale: float = 0.3) -> None:
    """Gives the trainable weights random values: a zero or tiny one would hide what it does."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0, scale, weight.shape).astype("float32"))


def random_codes(model, count: int = 2, seed: int = 0) -> np.ndarray:
    """int32 codes of `count` clips of a `VQVAE` or `VideoGPT`."""
    num_codes = getattr(model, "tokenizer", model).num_codes
    rng = np.random.default_rng(seed)
    return rng.integers(0, num_codes, (count, *model.codes_shape)).astype("int32")


def weights_of(layer) -> list[np.ndarray]:
    """Copies of all weights, the ones that are not trained too."""
    return [np.array(weight) for weight in layer.get_weights()]


def assert_same_weights(actual, expected, tolerance: float = 0.0) -> None:
    assert len(actual) == len(expected) > 0
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def loop_index(index: int):
    """As in sampling: an integer in PyTorch's loop, a scalar tensor in the compiled ones."""
    return index if keras.backend.backend() == "torch" else ops.convert_to_tensor(index)


def stepped(attention, x: np.ndarray, run_length: int, step=None) -> np.ndarray:
    """What a self-attention, or the `step` of a block around it, gives position by position.

    Args:
        attention: the layer whose cache is filled, and grows with every run if it can.
        x: float `(B, L, channels)`.
        run_length: positions per run; divides L.
        step: of the inputs at a position, `past`, `run` and index; the layer's own by default.
    """
    step = step or attention.step
    batch, length = x.shape[:2]
    grows = not hasattr(attention, "layout")
    cache, outputs = attention.empty_cache(batch, run_length if grows else length), []
    for first in range(0, length, run_length):
        if grows:
            cache = key_value_cache.grow(cache, first + run_length)
        past, run, start = attention.begin_run(cache, first, run_length)
        for index in range(run_length):
            inputs = ops.convert_to_tensor(x[:, first + index])
            output, run = step(inputs, past, run, loop_index(start + index))
            outputs.append(ops.convert_to_numpy(output))
        cache = attention.end_run(cache, run, start, first, run_length)
    return np.stack(outputs, axis=1)


def stepped_logits(model: VideoGPT, codes: np.ndarray, run_length: int, **conditions) -> np.ndarray:
    """Teacher-forced logits of a prior, code by code with a cache: `(B, L, num_codes)`."""
    flat = codes.reshape(len(codes), -1).astype("int32")
    context = encode_conditions(model, **conditions)
    cache, previous = empty_cache(model, len(codes)), ops.zeros((len(codes),), "int32")
    logits = []
    for first in range(0, model.length, run_length):
        grow(model, cache, first + run_length)
        begun = [
            block.attention.begin_run(arrays, first, run_length)
            for block, arrays in zip(model.blocks, cache, strict=True)
        ]
        pasts, runs, starts = zip(*begun, strict=True)
        for index in range(run_length):
            places = [loop_index(start + index) for start in starts]
            output, runs = step(
                model, previous, pasts, runs, places, loop_index(first + index), context
            )
            logits.append(ops.convert_to_numpy(output))
            previous = ops.convert_to_tensor(flat[:, first + index])
        cache = end_run(model, cache, zip(runs, starts, strict=True), first, run_length)
    return np.stack(logits, axis=1)


def gradient(function, x: np.ndarray) -> np.ndarray:
    """The gradient of a scalar `function` of one float tensor, by the backend's autodiff."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    tensor = ops.convert_to_tensor(x)
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = function(tensor)
        return tape.gradient(value, tensor).numpy()
    tensor.requires_grad_(True)
    function(tensor).backward()
    return tensor.grad.cpu().numpy()


def check_copies(layer, x: np.ndarray, tmp_path) -> None:
    """A layer gives the same numbers after get_config/from_config, and from a .keras file."""
    expected = ops.convert_to_numpy(layer(x))
    assert np.abs(expected).max() > 0
    copy = type(layer).from_config(layer.get_config())
    copy.build(x.shape)
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(copy(x)), expected, atol=1e-6)
    inputs = keras.Input(x.shape[1:])
    keras.Model(inputs, layer(inputs)).save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(x)), expected, atol=1e-6)


def check_mixed_bfloat16(layer, x: np.ndarray) -> None:
    """A layer made with `mixed_bfloat16` computes in it, and trains float32 weights in it."""
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    assert "bfloat16" in str(layer(x).dtype)
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    before = weights_of(model)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    loss = model.train_on_batch(x, np.ones((len(x), *model.output_shape[1:]), "float32"))
    assert np.isfinite(loss)
    after = weights_of(model)
    assert all(np.isfinite(weight).all() for weight in after)
    assert any((one != other).any() for one, other in zip(before, after, strict=True))
