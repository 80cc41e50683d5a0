import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, randomize
from keras import ops

from keras_videogpt.layers import AxialAttention

AXES = {"time": 1, "height": 2, "width": 3}


@pytest.fixture(scope="module")
def layer():
    layer = AxialAttention(num_heads=2)
    layer.build((None, 3, 4, 5, 8))
    randomize(layer)
    return layer


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(1).normal(size=(2, 3, 4, 5, 8)).astype("float32")


def reference(layer, x):
    total = 0
    for name, axis in AXES.items():
        (kernel,) = layer.projections[name].get_weights()
        out_kernel, out_bias = layer.outputs[name].get_weights()
        line = np.moveaxis(x.astype("float64"), axis, 3)  # (B, ., ., L, C)
        projected = (line @ kernel).reshape(*line.shape[:-1], 3, 2, 4)
        query, key, value = np.moveaxis(projected, -3, 0)
        scores = np.einsum("...inc,...jnc->...nij", query, key) / 2.0
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended = np.einsum("...nij,...jnc->...inc", weights, value).reshape(line.shape)
        total = total + np.moveaxis(attended @ out_kernel + out_bias, 3, axis)
    return total


def test_it_is_the_sum_of_softmax_attention_along_each_axis(layer, x):
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), reference(layer, x), atol=1e-4)


def test_a_change_reaches_the_positions_that_share_two_coordinates_and_no_others(layer, x):
    changed = x.copy()
    changed[:, 1, 2, 3] += 1
    difference = ops.convert_to_numpy(layer(changed)) - ops.convert_to_numpy(layer(x))
    reached = np.abs(difference).max(axis=(0, -1)) > 1e-5
    t, h, w = np.mgrid[:3, :4, :5]
    assert (reached == ((t == 1).astype(int) + (h == 2) + (w == 3) >= 2)).all()


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match="num_heads must divide the channels.*num_heads=3"):
        AxialAttention(num_heads=3)(np.zeros((1, 2, 2, 2, 8), "float32"))


def test_copies_give_the_same_numbers(layer, x, tmp_path):
    check_copies(layer, x, tmp_path)


def test_it_trains_in_mixed_bfloat16(x):
    check_mixed_bfloat16(AxialAttention(2, dtype="mixed_bfloat16"), x)
