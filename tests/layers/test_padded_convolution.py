import keras
import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, randomize
from keras import ops

from keras_videogpt.layers import PaddedConv3D

X = np.random.default_rng(0).normal(size=(2, 4, 6, 8, 3)).astype("float32")


def built(*args, **kwargs):
    layer = PaddedConv3D(*args, **kwargs)
    layer.build(X.shape)
    randomize(layer)
    return layer


def reference(layer, x, before, after, strides):
    kernel, bias = (weight.astype("float64") for weight in layer.get_weights())
    x = np.pad(x.astype("float64"), [(0, 0), *[(before[i], after[i]) for i in range(3)], (0, 0)])
    grid = [
        (size - k) // stride + 1
        for size, k, stride in zip(x.shape[1:4], kernel.shape, strides, strict=False)
    ]
    out = np.zeros((len(x), *grid, kernel.shape[-1])) + bias
    for offset in np.ndindex(kernel.shape[:3]):
        window = tuple(
            slice(o, o + s * (n - 1) + 1, s) for o, s, n in zip(offset, strides, grid, strict=True)
        )
        out += x[(slice(None), *window)] @ kernel[offset]
    return out


@pytest.mark.parametrize("extra_padding", ["after", "before"])
@pytest.mark.parametrize("strides", [(1, 1, 1), (2, 2, 2), (1, 2, 1)])
def test_kernel_4_pads_as_documented(strides, extra_padding):
    layer = built(5, 4, strides=strides, extra_padding=extra_padding)
    less = [1] * 3  # totals 3 (stride 1) and 2 (stride 2)
    more = [2 if stride == 1 else 1 for stride in strides]
    before, after = (less, more) if extra_padding == "after" else (more, less)
    expected = reference(layer, X, before, after, strides)
    assert expected.shape[1:4] == tuple(n // s for n, s in zip(X.shape[1:4], strides, strict=True))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), expected, atol=1e-4)
    assert layer.compute_output_shape(X.shape) == expected.shape


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("strides", [1, 2])
def test_padding_after_is_the_same_of_keras(kernel, strides):
    layer = built(5, kernel, strides=strides)
    same = keras.layers.Conv3D(5, kernel, strides=strides, padding="same")
    same.build(X.shape)
    same.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(X)), ops.convert_to_numpy(same(X)), atol=1e-5
    )


@pytest.mark.parametrize("extra_padding", ["after", "before"])
@pytest.mark.parametrize("strides", [(1, 1, 1), (1, 2, 2)])
def test_one_frame_meets_the_middle_of_the_kernel_alone(strides, extra_padding):
    layer = built(5, (3, 3, 4), strides=strides, extra_padding=extra_padding)
    less, more = (1, 1 if strides[1] == 1 else 0, 1), (1, 1, 2 if strides[2] == 1 else 1)
    before, after = (less, more) if extra_padding == "after" else (more, less)
    frame = X[:, 1:2]
    expected = reference(layer, frame, before, after, strides)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(frame)), expected, atol=1e-4)


def test_another_side_is_an_error():
    with pytest.raises(ValueError, match="extra_padding must be 'after' or 'before'; got 'both'"):
        PaddedConv3D(5, 4, extra_padding="both")


def test_copies_give_the_same_numbers(tmp_path):
    check_copies(built(5, 4, extra_padding="before"), X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    check_mixed_bfloat16(PaddedConv3D(5, 4, dtype="mixed_bfloat16"), X)
