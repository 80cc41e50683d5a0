"""Convolutions over blocks of pixels are those with strides, wherever they are taken."""

import keras
import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, gradient, randomize
from keras import ops

from keras_videogpt.layers import Conv3DTranspose, PaddedConv3D
from keras_videogpt.layers.block_convolution import strided_convolution, transposed_convolution

RNG = np.random.default_rng(0)
SHAPES = [
    ((4, 4, 4), (2, 2, 2)),
    ((4, 4, 4), (1, 2, 2)),
    ((3, 5, 4), (2, 3, 1)),
    ((4,) * 3, (4,) * 3),
]


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def close(actual, expected):
    np.testing.assert_allclose(
        ops.convert_to_numpy(actual), ops.convert_to_numpy(expected), atol=1e-4
    )


@pytest.mark.parametrize("kernel, strides", SHAPES)
def test_a_convolution_with_strides_is_one_over_blocks(kernel, strides):
    x, weights = normal(2, 8, 9, 13, 3), normal(*kernel, 3, 5)
    close(strided_convolution(x, weights, strides), ops.conv(x, weights, strides=strides))


@pytest.mark.parametrize("kernel, strides", SHAPES)
def test_a_transposed_convolution_is_one_into_blocks(kernel, strides):
    x, weights = normal(2, 3, 4, 5, 3), normal(*kernel, 5, 3)
    expected = ops.conv_transpose(x, weights, strides=strides, padding="same")
    close(transposed_convolution(x, weights, strides), expected)


def test_gradients_of_both_are_those_of_strides():
    def check(blocks, plain, x, kernel, shape):
        slope = normal(*shape)
        for given in (x, kernel):
            slopes = [
                gradient(
                    lambda y, f=f, at=given: ops.sum(
                        ops.multiply(f(*((y, kernel) if at is x else (x, y))), slope)
                    ),
                    given,
                )
                for f in (blocks, plain)
            ]
            assert np.abs(slopes[1]).max() > 1
            close(*slopes)

    x = normal(1, 6, 6, 6, 2)
    check(
        lambda x, kernel: strided_convolution(x, kernel, (2, 2, 2)),
        lambda x, kernel: ops.conv(x, kernel, strides=2),
        x,
        normal(4, 4, 4, 2, 3),
        (1, 2, 2, 2, 3),
    )
    check(
        lambda x, kernel: transposed_convolution(x, kernel, (2, 2, 2)),
        lambda x, kernel: ops.conv_transpose(x, kernel, strides=2, padding="same"),
        x,
        normal(4, 4, 4, 3, 2),
        (1, 12, 12, 12, 3),
    )


@pytest.mark.parametrize("slow", [True, False])
def test_layers_are_the_same_either_way(monkeypatch, slow):
    for name in ("padded_convolution", "transposed_convolution"):
        monkeypatch.setattr(f"keras_videogpt.layers.{name}.strides_are_slow", lambda: slow)
    x = normal(2, 4, 6, 8, 3)
    pairs = [
        (PaddedConv3D(5, 4, strides=2), keras.layers.Conv3D(5, 4, strides=2, padding="same")),
        (
            Conv3DTranspose(5, 4, strides=(1, 2, 2), activation="relu"),
            keras.layers.Conv3DTranspose(5, 4, (1, 2, 2), padding="same", activation="relu"),
        ),
        (
            Conv3DTranspose(5, 4, strides=2, use_bias=False),
            keras.layers.Conv3DTranspose(5, 4, 2, padding="same", use_bias=False),
        ),
    ]
    for layer, keras_layer in pairs:
        layer.build(x.shape)
        keras_layer.build(x.shape)
        randomize(layer)
        keras_layer.set_weights(layer.get_weights())
        close(layer(x), keras_layer(x))
        assert tuple(layer.compute_output_shape(x.shape)) == tuple(layer(x).shape)


def test_a_kernel_smaller_than_its_stride_is_an_error():
    with pytest.raises(ValueError, match=r"kernel_size=\(2, 2, 2\) and strides=\(1, 3, 1\)"):
        Conv3DTranspose(5, 2, strides=(1, 3, 1))


def test_files_that_were_written_with_the_layer_of_keras_are_read(tmp_path):
    def model(layer):
        return keras.Sequential([keras.Input((2, 4, 4, 3)), layer])

    old = model(keras.layers.Conv3DTranspose(5, 4, strides=2, padding="same"))
    old.save_weights(tmp_path / "old.weights.h5")
    new = model(Conv3DTranspose(5, 4, strides=2))
    new.load_weights(tmp_path / "old.weights.h5")
    x = normal(2, 2, 4, 4, 3)
    close(new(x), old(x))


def test_copies_and_precision(tmp_path):
    x = normal(2, 2, 4, 4, 3)
    layer = Conv3DTranspose(5, 4, strides=2)
    layer.build(x.shape)
    check_copies(layer, x, tmp_path)
    check_mixed_bfloat16(Conv3DTranspose(5, 4, strides=2, dtype="mixed_bfloat16"), x)
