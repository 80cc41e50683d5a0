import keras
import numpy as np
import pytest
from checks import randomize, weights_of
from keras import ops

from keras_videogpt.layers.cross_attention import CrossAttention

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 10, 8)).astype("float32")
MEMORY = RNG.normal(size=(2, 7, 6)).astype("float32")

value_dims = pytest.mark.parametrize("value_dim", [None, 3, 5])


def built(**options):
    layer = CrossAttention(num_heads=2, **options)
    layer.build(X.shape, MEMORY.shape)
    randomize(layer, scale=0.5)
    return layer


def functional(layer):
    """A model of the layer, for memories of any length."""
    x, memory = keras.Input(X.shape[1:]), keras.Input((None, MEMORY.shape[-1]))
    return keras.Model([x, memory], layer(x, memory))


@value_dims
def test_heads_attend_to_the_memory_and_are_projected_back(value_dim):
    layer = built(value_dim=value_dim)
    query, key, value, out_kernel, out_bias = (w.astype("float64") for w in layer.get_weights())
    assert value.shape == (6, 2 * (value_dim or 4))
    query = (X @ query).reshape(2, 10, 2, 4)
    key = (MEMORY @ key).reshape(2, 7, 2, 4)
    value = (MEMORY @ value).reshape(2, 7, 2, -1)
    weights = np.exp(np.einsum("binc,bjnc->bnij", query, key) / 2)
    weights /= weights.sum(axis=-1, keepdims=True)
    attended = np.einsum("bnij,bjnc->binc", weights, value).reshape(2, 10, -1)
    expected = attended @ out_kernel + out_bias
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X, MEMORY)), expected, atol=1e-5)


@value_dims
def test_steps_equal_the_call(value_dim):
    layer = built(value_dim=value_dim)
    expected = ops.convert_to_numpy(layer(X, MEMORY))
    keys, values = layer.step_keys_values(ops.convert_to_tensor(MEMORY))
    assert tuple(keys.shape) == (4, 7, 4)
    assert tuple(values.shape) == (4, 7, value_dim or 4)
    for position in range(10):
        output = layer.step(ops.convert_to_tensor(X[:, position]), (keys, values))
        np.testing.assert_allclose(ops.convert_to_numpy(output), expected[:, position], atol=1e-6)


@value_dims
def test_what_is_masked_is_as_if_it_were_not_there(value_dim):
    layer = built(value_dim=value_dim)
    lengths = (3, 7)
    mask = np.arange(7) < np.array(lengths)[:, None]
    actual = ops.convert_to_numpy(layer(X, MEMORY, memory_mask=mask))
    context = layer.step_keys_values(ops.convert_to_tensor(MEMORY), ops.convert_to_tensor(mask))
    for clip, length in enumerate(lengths):
        one = slice(clip, clip + 1)
        alone = ops.convert_to_numpy(layer(X[one], MEMORY[one, :length]))
        np.testing.assert_allclose(actual[one], alone, atol=1e-6)
    for position in range(10):
        output = layer.step(ops.convert_to_tensor(X[:, position]), context)
        np.testing.assert_allclose(ops.convert_to_numpy(output), actual[:, position], atol=1e-6)


def test_kernels_start_with_the_deviations_of_their_inputs_and_of_the_stack():
    layer = CrossAttention(num_heads=2, value_dim=64, num_layers=4)
    layer.build((None, 10, 256), (None, 7, 64))
    query, key, value, out_kernel, out_bias = layer.get_weights()
    expected = {"query": 1 / 16, "key": 1 / 8, "value": 1 / 8, "output": 1 / 32}
    for kernel, deviation in zip((query, key, value, out_kernel), expected.values(), strict=True):
        assert kernel.std() == pytest.approx(deviation, rel=0.05)
    assert (out_bias == 0).all()


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match="num_heads must divide the channels.*num_heads=3"):
        CrossAttention(num_heads=3)(X, MEMORY)


@value_dims
def test_copies_give_the_same_numbers(value_dim, tmp_path):
    layer = built(value_dim=value_dim, num_layers=3)
    expected = ops.convert_to_numpy(layer(X, MEMORY))
    copy = CrossAttention.from_config(layer.get_config())
    assert (copy.num_heads, copy.value_dim, copy.num_layers) == (2, value_dim, 3)
    functional(layer).save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded([X, MEMORY])), expected, atol=1e-6)


def test_it_trains_in_mixed_bfloat16():
    layer = CrossAttention(2, value_dim=5, dtype="mixed_bfloat16")
    model = functional(layer)
    assert keras.backend.standardize_dtype(layer(X, MEMORY).dtype) == "bfloat16"
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    before = weights_of(model)
    # Three examples in batches of two: a graph is traced for any batch size.
    x, memory = (np.concatenate([array, array[:1]]) for array in (X, MEMORY))
    history = model.fit([x, memory], np.ones_like(x), batch_size=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for one, other in zip(before, weights_of(model), strict=True):
        assert other.dtype == "float32" and np.isfinite(other).all() and (one != other).any()
