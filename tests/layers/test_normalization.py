import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.layers import normalization
from keras_videogpt.layers.pixels import normalize_pixels, to_uint8

X = np.random.default_rng(0).normal(3, 2, size=(4, 2, 3, 3, 12)).astype("float32")


@pytest.mark.parametrize(
    "kind, axes", [("batch", (0, 1, 2, 3)), ("layer", (4,)), ("group", (1, 2, 3))]
)
def test_each_kind_normalizes_over_its_axes(kind, axes):
    layer = normalization(kind, 12)
    y = ops.convert_to_numpy(layer(X, training=True) if kind == "batch" else layer(X))
    # 12 channels make 12 groups of one.
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=axes), 1, atol=1e-2)


def test_batch_statistics_have_momentum_nine_tenths():
    layer = normalization("batch", 12)
    layer(X, training=True)
    mean = X.mean(axis=(0, 1, 2, 3))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.moving_mean), 0.1 * mean, rtol=1e-3)


def test_groups_divide_any_number_of_channels():
    assert [normalization("group", c).groups for c in (16, 48, 64, 34, 37)] == [16, 24, 32, 17, 1]


def test_name_and_dtype_are_passed_on():
    layer = normalization("layer", 12, name="mine", dtype="mixed_bfloat16")
    assert isinstance(layer, keras.layers.LayerNormalization)
    assert (layer.name, layer.compute_dtype) == ("mine", "bfloat16")


def test_another_kind_is_an_error_that_lists_the_kinds():
    with pytest.raises(ValueError, match=r"norm must be one of .*batch.*group.*layer.*'instance'"):
        normalization("instance", 12)


def test_pixels_go_to_half_and_back_without_loss():
    levels = np.arange(256, dtype="uint8")
    scaled = ops.convert_to_numpy(normalize_pixels(ops.convert_to_tensor(levels)))
    np.testing.assert_allclose(scaled, np.arange(256) / 255 - 0.5, atol=1e-6)
    np.testing.assert_array_equal(to_uint8(scaled), levels)


def test_floats_stay_and_pixels_out_of_range_are_clipped():
    scaled = np.array([-0.5, 0.2], "float32")
    assert normalize_pixels(scaled) is scaled
    np.testing.assert_array_equal(to_uint8(np.array([-3.0, 0.0, 3.0])), [0, 128, 255])
