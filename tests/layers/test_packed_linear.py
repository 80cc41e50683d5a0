import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.layers.packed_linear import find, packed
from keras_videogpt.layers.step_operations import linear

X = np.random.default_rng(0).normal(size=(3, 20)).astype("float32")


def built_dense(dtype="float32", use_bias=True):
    dense = keras.layers.Dense(12, use_bias=use_bias, dtype=dtype, bias_initializer="random_normal")
    dense.build((None, 20))
    return dense


def computed(dense, x=X):
    x = ops.cast(ops.convert_to_tensor(x), dense.compute_dtype)
    return ops.convert_to_numpy(ops.cast(ops.stop_gradient(linear(dense, x)), "float32"))


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("bfloat16", 0.03)])
def test_packed_weights_give_what_the_layer_gives(dtype, tolerance, use_bias):
    dense = built_dense(dtype, use_bias)
    expected = np.asarray(ops.convert_to_numpy(ops.cast(dense(X), "float32")))
    np.testing.assert_allclose(computed(dense), expected, atol=tolerance)
    with packed([dense], batch_size=8):
        assert (find(dense) is None) == (keras.backend.backend() != "torch")
        np.testing.assert_allclose(computed(dense), expected, atol=tolerance)
        np.testing.assert_allclose(computed(dense, X[:1]), expected[:1], atol=tolerance)
    assert find(dense) is None


def test_weights_are_packed_anew_each_time():
    dense = built_dense()
    with packed([dense], batch_size=3):
        computed(dense)
    dense.kernel.assign(2 * dense.kernel.value)
    with packed([dense], batch_size=3):
        expected = ops.convert_to_numpy(dense(X))
        np.testing.assert_allclose(computed(dense), expected, atol=1e-5)


def test_weights_are_unpacked_after_an_error():
    dense = built_dense()
    with pytest.raises(KeyboardInterrupt), packed([dense], batch_size=3):
        raise KeyboardInterrupt
    assert find(dense) is None
