import keras
import numpy as np
import pytest
from checks import check_mixed_bfloat16, randomize
from keras import ops

from keras_videogpt.layers import PaddedConv3D
from keras_videogpt.models.frame_encoder import build_frame_encoder

FRAMES = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2, 8, 12, 3)).astype("float32")


@pytest.fixture(scope="module")
def encoder():
    encoder = build_frame_encoder(FRAMES.shape[1:], width=8, depth=18)
    randomize(encoder)
    return encoder


def convolutions(encoder):
    return [layer for layer in encoder.layers if isinstance(layer, PaddedConv3D)]


@pytest.mark.parametrize("depth", [18, 34])
def test_depth_counts_the_convolutions_and_a_classifier(depth):
    encoder = build_frame_encoder((1, 8, 8, 3), width=8, depth=depth)
    names = [layer.name for layer in convolutions(encoder)]
    assert sum("projection" in name for name in names) == 4
    assert len(names) == depth - 1 + 4


def test_features_are_a_quarter_of_the_size_and_as_wide_as_asked(encoder):
    assert encoder.output_shape == (None, 2, 2, 3, 8)
    assert encoder(FRAMES).shape == (2, 2, 2, 3, 8)
    assert build_frame_encoder((1, 8, 8, 3)).output_shape == (None, 1, 2, 2, 512)


@pytest.mark.parametrize("relu_before_addition", [False, True])
def test_a_block_of_stride_two_equals_convolutions_padded_by_one(relu_before_addition):
    torch = pytest.importorskip("torch")
    encoder = build_frame_encoder(
        FRAMES.shape[1:], width=8, depth=18, relu_before_addition=relu_before_addition
    )
    randomize(encoder)
    before = encoder.get_layer("group_1_block_1_output").output
    after = encoder.get_layer("group_2_block_0_output").output
    x = np.random.default_rng(1).normal(size=(2, 2, 8, 12, 64)).astype("float32")
    y = ops.convert_to_numpy(keras.Model(before, after)(x))

    def tensor(array):
        return torch.tensor(np.asarray(array), device="cpu")

    def convolution(x, name, norm, **options):
        (kernel,) = encoder.get_layer(f"group_2_block_0_{name}").get_weights()
        gain, bias = encoder.get_layer(f"group_2_block_0_{norm}").get_weights()
        x = torch.nn.functional.conv3d(x, tensor(kernel).permute(4, 3, 0, 1, 2), **options)
        x = torch.nn.functional.layer_norm(
            x.movedim(1, -1), gain.shape, tensor(gain), tensor(bias), 1e-5
        )
        return x.movedim(-1, 1)

    x = tensor(x).movedim(-1, 1)
    h = convolution(x, "convolution_0", "norm_0", stride=(1, 2, 2), padding=1).relu()
    h = convolution(h, "convolution_1", "norm_1", padding=1)
    if relu_before_addition:
        h = h.relu()
    h = h + convolution(x, "projection", "projection_norm", stride=(1, 2, 2))
    np.testing.assert_allclose(y, h.relu().movedim(1, -1).numpy(), atol=1e-4)


def test_a_relu_before_the_addition_changes_the_numbers(encoder):
    original = build_frame_encoder(FRAMES.shape[1:], width=8, depth=18, relu_before_addition=True)
    for layer in encoder.layers:
        original.get_layer(layer.name).set_weights(layer.get_weights())
    difference = ops.convert_to_numpy(original(FRAMES)) - ops.convert_to_numpy(encoder(FRAMES))
    assert np.abs(difference).max() > 1e-2


def test_files_give_the_same_numbers(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    expected = ops.convert_to_numpy(encoder(FRAMES))
    assert expected.max() > 0
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(FRAMES)), expected, atol=1e-6)


def test_it_trains_in_mixed_bfloat16():
    encoder = build_frame_encoder(FRAMES.shape[1:], width=8, depth=18, dtype="mixed_bfloat16")
    check_mixed_bfloat16(encoder, FRAMES)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"frames_shape": (1, 10, 8, 3)}, r"multiples of 4; got \(1, 10, 8, 3\)"),
        ({"frames_shape": (1, 8, 6, 3)}, r"multiples of 4; got \(1, 8, 6, 3\)"),
        ({"frames_shape": (8, 8, 3)}, r"frames_shape must be \(F, H, W, C\); got \(8, 8, 3\)"),
        ({"frames_shape": (0, 8, 8, 3)}, r"frames_shape\[0\] must be a positive integer; got 0"),
        ({"depth": 50}, r"depth must be one of \(18, 34\); got 50"),
        ({"width": 0}, "width must be a positive integer; got 0"),
    ],
)
def test_what_it_cannot_take_is_an_error_that_says_why(options, message):
    with pytest.raises(ValueError, match=message):
        build_frame_encoder(**{"frames_shape": (1, 8, 8, 3), **options})
