import gc

import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.layers.int8_weights import (
    INT8,
    dense_layers,
    float_kernel,
    quick_deletion,
)
from keras_videogpt.layers.packed_linear import packed
from keras_videogpt.layers.step_operations import linear

X = np.random.default_rng(0).normal(size=(3, 20)).astype("float32")


def int8_dense(dtype="float32", use_bias=True):
    dense = keras.layers.Dense(12, use_bias=use_bias, dtype=dtype, bias_initializer="random_normal")
    dense.build((None, 20))
    dense.quantize("int8", config=INT8)
    return dense


def as_float32(x):
    return ops.convert_to_numpy(ops.cast(ops.stop_gradient(x), "float32"))


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("bfloat16", 0.05)])
def test_a_step_gives_what_the_layer_gives_packed_and_not(dtype, tolerance, use_bias):
    dense = int8_dense(dtype, use_bias)
    x = ops.cast(ops.convert_to_tensor(X), dtype)
    expected = as_float32(dense(x))
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(as_float32(linear(dense, x)), expected, atol=tolerance)
    with packed([dense], batch_size=3):
        np.testing.assert_allclose(as_float32(linear(dense, x)), expected, atol=tolerance)


def test_inputs_are_not_rounded():
    dense = int8_dense(use_bias=False)
    expected = X @ ops.convert_to_numpy(float_kernel(dense))
    np.testing.assert_allclose(as_float32(dense(X)), expected, atol=1e-5)


def test_dense_layers_are_found_inside_others():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    dense = keras.layers.Dense(3)
    assert dense_layers([dense, inner]) == [dense, *inner.layers]


def test_deletion_is_quick_and_leaves_frozen_what_was_frozen():
    gc.unfreeze()
    with pytest.raises(RuntimeError), quick_deletion():
        assert gc.get_freeze_count() > 10_000
        raise RuntimeError
    assert gc.get_freeze_count() == 0
    gc.freeze()
    frozen = gc.get_freeze_count()
    with quick_deletion():
        pass
    assert gc.get_freeze_count() == frozen > 10_000
