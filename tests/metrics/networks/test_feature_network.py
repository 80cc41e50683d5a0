import json

import keras
import numpy as np
import pytest

from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.random_network import random_network
from keras_videogpt.metrics.weights_hash import weights_hash


def mean_colour(**settings):
    """Features are the mean colour, scaled; the weights are the scale."""
    inputs = keras.Input((None, 8, 8, 3))
    x = keras.layers.GlobalAveragePooling3D()(inputs)
    scale = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(inputs, scale(x))
    scale.set_weights([np.array([[1, 0], [0, 10], [0, 0]], "float32")])
    return FeatureNetwork(model, lambda videos: videos / 255, "mean colour", **settings)


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 8, 8, 3), "uint8")


@pytest.mark.parametrize("batch_size", [1, 2, 5, 8])
def test_every_video_has_its_features_whatever_the_batch_size(clips, batch_size):
    features = mean_colour().features(clips, batch_size)
    expected = clips.mean(axis=(1, 2, 3))[:, :2] / 255 * [1, 10]
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, rtol=1e-5)


def test_the_identity_is_all_that_decides_the_features():
    network = mean_colour(settings={"preprocessing": "scaled"})
    assert network.num_features == 2
    assert json.loads(json.dumps(network.identity())) == {
        "name": "mean colour",
        "weights_hash": "90673fe4953cd5b5",  # on every backend
        "preprocessing": "scaled",
    }
    other = mean_colour()
    other.model.set_weights([np.ones((3, 2))])
    assert other.weights_hash != network.weights_hash


def test_a_model_of_bfloat16_weights_has_one_hash_on_every_backend():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype="bfloat16")])
    model.set_weights([np.array([[1, 2], [3, -0.5]]), np.zeros(2)])
    assert weights_hash(model) == "da8d2ba336e978e6"


@pytest.mark.parametrize("outputs", ["rank 4", "two"])
def test_a_model_whose_output_is_no_rows_of_features_is_refused(outputs):
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, {"rank 4": inputs, "two": (pooled, pooled)}[outputs])
    with pytest.raises(ValueError, match=r"model must have one output, features \(B, D\); got sh"):
        FeatureNetwork(model, lambda videos: videos, "wrong")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width must be a positive integer; got 0"),
        ({"seed": -1}, "seed must be a non-negative integer or None; got -1"),
        ({"seed": 1.5}, "seed must be .*; got 1.5"),
    ],
)
def test_the_random_network_names_the_argument_that_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        random_network(**arguments)


@pytest.mark.parametrize(
    "videos, message",
    [
        (np.zeros((1, 4, 8, 8, 3)), "videos must be uint8 .* got float64"),
        (np.zeros((4, 8, 8, 3), "uint8"), r"got uint8 of shape \(4, 8, 8, 3\)"),
        (np.zeros((1, 4, 8, 8, 1), "uint8"), r"got uint8 of shape \(1, 4, 8, 8, 1\)"),
        (np.zeros((0, 4, 8, 8, 3), "uint8"), "not empty"),
        (np.zeros((1, 2, 8, 8, 3), "uint8"), "mean colour: .* at least 3 frames; got 2"),
    ],
)
def test_other_videos_are_refused(videos, message):
    with pytest.raises(ValueError, match=message):
        mean_colour(min_frames=3).features(videos)


def test_features_that_are_not_finite_are_refused(clips):
    network = mean_colour()
    network.model.set_weights([np.full((3, 2), np.nan)])
    with pytest.raises(ValueError, match="mean colour: features are not finite"):
        network.features(clips)


def test_the_random_network_is_the_same_on_every_backend(clips):
    network = random_network(seed=3)
    assert network.weights_hash == "fa019357bfeebdaf"
    features = network.features(clips)
    assert features.shape == (5, network.num_features) and network.num_features == 192
    expected = [0.201739, 0.199542, 0.0164854, 0.000868704]
    np.testing.assert_allclose(features[0, [0, 40, 100, 191]], expected, rtol=1e-4)


def test_the_random_network_tells_seeds_and_the_order_of_frames_apart(clips):
    network = random_network()
    features = network.features(clips)
    assert np.abs(features - random_network(seed=1).features(clips)).max() > 0.1
    assert np.abs(features - network.features(clips[:, ::-1])).max() > 0.01


def test_the_random_network_computes_in_float32_whatever_the_policy(clips):
    expected = random_network().features(clips)
    keras.config.set_dtype_policy("mixed_bfloat16")
    np.testing.assert_array_equal(random_network().features(clips), expected)


def test_the_random_network_takes_any_frame_of_8_pixels_or_more():
    network = random_network()
    assert network.distance == "random-feature Fréchet distance"
    assert network.features(np.zeros((1, 1, 8, 11, 3), "uint8")).shape == (1, 192)
    with pytest.raises(ValueError, match="at least 8x8 pixels; got 8x7"):
        network.features(np.zeros((1, 1, 8, 7, 3), "uint8"))
