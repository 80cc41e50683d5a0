"""Features of KerasCV's Video Swin Transformer; `tools/test_low_end` installs it."""

import json

import numpy as np
import pytest

from keras_videogpt.metrics.networks.video_swin import video_swin

keras_cv = pytest.importorskip("keras_cv", reason="KerasCV is installed by tools/test_low_end")

CONFIG = {
    "input_shape": (4, 32, 32, 3),
    "embed_dim": 8,
    "depths": [1, 1],
    "num_heads": [1, 2],
    "window_size": [2, 4, 4],
}


@pytest.fixture(scope="module")
def backbone():
    return keras_cv.models.VideoSwinBackbone(**CONFIG)


@pytest.fixture(scope="module")
def weights(backbone, tmp_path_factory):
    path = tmp_path_factory.mktemp("swin") / "swin.weights.h5"
    backbone.save_weights(path)
    return path


def test_features_are_the_mean_of_the_map_of_normalized_frames(backbone, weights):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 32, 3), "uint8")
    network = video_swin(CONFIG, weights)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = backbone.predict((clips / 255 - mean) / deviation, verbose=0).mean((1, 2, 3))
    np.testing.assert_allclose(network.features(clips), expected, atol=1e-4)
    assert network.num_features == 16 and np.std(expected) > 0.1
    assert json.loads(json.dumps(network.identity()))["config"]["input_shape"] == [4, 32, 32, 3]


def test_frames_are_resized_and_other_lengths_refused(weights):
    network = video_swin(CONFIG, weights)
    gray = np.full((1, 4, 20, 28, 3), 128, "uint8")
    large = np.full((1, 4, 32, 32, 3), 128, "uint8")
    np.testing.assert_allclose(network.features(gray), network.features(large), atol=1e-4)
    with pytest.raises(ValueError, match="videos must have 4 frames; got 5"):
        network.features(np.zeros((1, 5, 32, 32, 3), "uint8"))


def test_weights_of_another_network_are_refused(weights, tmp_path):
    with pytest.raises(ValueError, match="swin.weights.h5 has no weights of this network"):
        video_swin({**CONFIG, "embed_dim": 16}, weights)
    (tmp_path / "empty.weights.h5").write_bytes(b"")
    with pytest.raises(ValueError, match="empty.weights.h5 has no weights of this network"):
        video_swin(CONFIG, tmp_path / "empty.weights.h5")
    with pytest.raises(FileNotFoundError, match="none.weights.h5 does not exist"):
        video_swin(CONFIG, tmp_path / "none.weights.h5")
