import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, randomize, stepped
from keras import ops

from keras_videogpt.layers import CausalSelfAttention
from keras_videogpt.layers.causal_attention import TENSORFLOW_BLOCK, causal_attention

X = np.random.default_rng(0).normal(size=(2, 10, 8)).astype("float32")


@pytest.fixture(scope="module")
def layer():
    layer = CausalSelfAttention(num_heads=2)
    layer.build(X.shape)
    randomize(layer, scale=0.5)
    return layer


def reference(query, key, value):
    """Masked softmax attention in float64: `(B, L, heads, channels)`."""
    query, key, value = (array.astype("float64") for array in (query, key, value))
    scores = np.einsum("binc,bjnc->bnij", query, key) / np.sqrt(query.shape[-1])
    scores = np.where(np.tri(query.shape[1], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.einsum("bnij,bjnc->binc", weights, value)


@pytest.mark.parametrize("length", [1, 7, TENSORFLOW_BLOCK, TENSORFLOW_BLOCK + 70])
def test_attention_equals_the_masked_softmax_of_any_length(length):
    rng = np.random.default_rng(length)
    query, key, value = rng.normal(size=(3, 1, length, 2, 4)).astype("float32") * 2
    attended = causal_attention(*map(ops.convert_to_tensor, (query, key, value)))
    np.testing.assert_allclose(
        ops.convert_to_numpy(attended), reference(query, key, value), atol=1e-4
    )


def test_the_layer_projects_attends_and_projects_back(layer):
    kernel, out_kernel, out_bias = layer.get_weights()
    query, key, value = np.moveaxis((X @ kernel).reshape(2, 10, 3, 2, 4), 2, 0)
    expected = reference(query, key, value).reshape(X.shape) @ out_kernel + out_bias
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), expected, atol=1e-4)


@pytest.mark.parametrize("position", [0, 4, 9])
def test_an_output_depends_on_inputs_up_to_it_and_on_no_later_ones(layer, position):
    changed = X.copy()
    changed[:, position] += 1
    difference = ops.convert_to_numpy(layer(changed)) - ops.convert_to_numpy(layer(X))
    moved = np.abs(difference).max(axis=(0, 2))
    assert (moved[:position] == 0).all() and (moved[position:] > 1e-4).all()


@pytest.mark.parametrize("run_length", [1, 5, 10])
def test_steps_with_a_cache_equal_the_call(layer, run_length):
    expected = ops.convert_to_numpy(layer(X))
    np.testing.assert_allclose(stepped(layer, X, run_length), expected, atol=1e-5)


def test_the_output_starts_smaller_in_a_deeper_stack():
    deep = CausalSelfAttention(num_heads=2, num_layers=16)
    deep.build((None, 10, 64))
    assert deep.output_projection.get_weights()[0].std() == pytest.approx(1 / 32, rel=0.1)


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match="num_heads must divide the channels.*num_heads=3"):
        CausalSelfAttention(num_heads=3)(X)


def test_copies_give_the_same_numbers(layer, tmp_path):
    check_copies(layer, X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    check_mixed_bfloat16(CausalSelfAttention(2, dtype="mixed_bfloat16"), X)
