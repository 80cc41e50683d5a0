"""C3D computes what pfnet-research/tgan2 computes with the same files."""

import functools

import numpy as np
import pytest
import torch
from torch.nn import functional

from keras_videogpt.metrics.networks import c3d
from keras_videogpt.metrics.networks.c3d import C3D
from keras_videogpt.metrics.networks.c3d_network import c3d_network

FILTERS = {
    "conv1a": (3, 4),
    "conv2a": (4, 5),
    "conv3a": (5, 6),
    "conv3b": (6, 6),
    "conv4a": (6, 7),
    "conv4b": (7, 7),
    "conv5a": (7, 8),
    "conv5b": (8, 8),
}
UNITS = {"fc6": (8 * 4 * 4, 10), "fc7": (10, 10), "fc8": (10, 6)}


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """C3D of few channels; the real one has 78 million weights."""
    small = functools.partial(c3d_network, (4, 5, 6, 7, 8), num_units=10, num_classes=6)
    monkeypatch.setattr(c3d, "c3d_network", small)


@pytest.fixture(scope="module")
def arrays():
    """Weights as Chainer writes them."""
    rng = np.random.default_rng(0)
    arrays = {}
    for names, window in ((FILTERS, (3, 3, 3)), (UNITS, ())):
        for name, (inputs, outputs) in names.items():
            scale = np.sqrt(2 / (inputs * np.prod(window)))
            weight = scale * rng.standard_normal((outputs, inputs, *window))
            arrays[f"{name}/W"] = weight.astype("float32")
            arrays[f"{name}/b"] = rng.standard_normal(outputs).astype("float32")
    return arrays


@pytest.fixture(scope="module")
def mean():
    return np.random.default_rng(1).uniform(80, 120, (1, 3, 16, 128, 171)).astype("float32")


@pytest.fixture
def files(arrays, mean, tmp_path):
    np.savez(tmp_path / "c3d.npz", **arrays)
    np.savez(tmp_path / "mean2.npz", mean=mean)
    return tmp_path / "c3d.npz", tmp_path / "mean2.npz"


@pytest.fixture(scope="module")
def videos():
    return np.random.default_rng(2).integers(0, 256, (2, 16, 20, 30, 3), "uint8")


def original(videos, arrays, mean):
    """The logits, step by step as there: channels first, pixels in [-1, 1]."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    x = torch.from_numpy(videos).float().permute(0, 4, 1, 2, 3) / 127.5 - 1
    x = 128 * x[:, [2, 1, 0]]
    batch, channels, frames, *size = x.shape
    x = x.transpose(1, 2).reshape(batch * frames, channels, *size)
    x = functional.interpolate(x, (112, 112), mode="bilinear", align_corners=True)
    x = x.reshape(batch, frames, channels, 112, 112).transpose(1, 2)
    x = x + (128 - torch.from_numpy(mean[:, :, :, 8:120, 8:120]))
    for name in FILTERS:
        x = functional.conv3d(x, tensors[f"{name}/W"], tensors[f"{name}/b"], padding=1).relu()
        if name not in ("conv3a", "conv4a", "conv5a"):
            window = (1, 2, 2) if name == "conv1a" else 2
            x = functional.max_pool3d(x, window, ceil_mode=True)
    x = x.flatten(1)
    for name in UNITS:
        x = functional.linear(x, tensors[f"{name}/W"], tensors[f"{name}/b"])
        x = x if name == "fc8" else x.relu()
    return x.numpy()


def test_logits_are_the_original_s(files, arrays, mean, videos):
    expected = original(videos, arrays, mean)
    assert np.ptp(expected[0] - expected[1]) > 1e-3 * np.abs(expected).max()
    logits = C3D(*files).features(videos, batch_size=2)
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def test_preprocessing_that_is_stored_with_the_weights_is_taken(files, arrays, mean, videos):
    weight = np.zeros((3, 3, 1, 1, 1), "float32")
    weight[[0, 1, 2], [2, 1, 0]] = 128
    clip = 128 - mean[0, :, :, 8:120, 8:120]
    # The offset moves from the pixels to the colours, which gives the same numbers.
    path = files[0].with_name("with_mean.npz")
    stored = {"pre/W": weight, "pre/b": np.full(3, 100, "float32"), "mean/b": clip - 100}
    np.savez(path, **arrays, **stored)
    own, given = C3D(path)._preprocess(videos), C3D(*files)._preprocess(videos)
    np.testing.assert_allclose(np.asarray(own), np.asarray(given), atol=1e-3)


def test_the_real_network_has_the_original_s_channels():
    model = c3d_network(num_units=1)
    shapes = {layer.name: tuple(layer.kernel.shape) for layer in model.layers if layer.weights}
    assert shapes["conv1a"] == (3, 3, 3, 3, 64) and shapes["conv5b"] == (3, 3, 3, 512, 512)
    assert shapes["fc6"][0] == 8192 and shapes["fc8"][1] == 101


@pytest.mark.parametrize("frames", [15, 17])
def test_other_than_16_frames_are_refused(files, frames):
    with pytest.raises(ValueError, match=f"16.*{frames}|{frames}.*16"):
        C3D(*files).features(np.zeros((1, frames, 16, 16, 3), "uint8"))


def test_another_mean_makes_another_network(files, mean):
    other = files[1].with_name("other.npz")
    np.savez(other, mean=mean + 1)
    first, second = C3D(*files), C3D(files[0], other)
    assert first.weights_hash == second.weights_hash
    assert first.identity() != second.identity()
    assert first.identity() == C3D(*files).identity()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv3b/W": None}, r"conv3b/W of shape \(6, 6, 3, 3, 3\); it has no such array"),
        ({"fc8/b": np.zeros(5)}, r"fc8/b of shape \(6,\); its shape is \(5,\)"),
        ({"fc7/b": np.full(10, np.nan)}, "finite floats in fc7/b"),
        ({"fc7/b": np.array([None] * 10)}, "npz file of plain arrays"),
    ],
)
def test_a_wrong_file_is_named_with_its_first_bad_array(files, arrays, change, said):
    path = files[0].with_name("wrong.npz")
    np.savez(path, **{k: v for k, v in {**arrays, **change}.items() if v is not None})
    with pytest.raises(ValueError, match=f"wrong.npz .*{said}"):
        C3D(path, files[1])


def test_what_is_no_npz_is_refused(files, tmp_path):
    path = tmp_path / "page.npz"
    path.write_text("<html>")
    with pytest.raises(ValueError, match="page.npz must be an undamaged npz"):
        C3D(path, files[1])
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="array.npy must be an undamaged npz"):
        C3D(tmp_path / "array.npy", files[1])
    path.write_bytes(files[0].read_bytes()[:-2000])
    with pytest.raises(ValueError, match="page.npz must be an undamaged npz"):
        C3D(path, files[1])


def test_a_mean_is_needed(files):
    with pytest.raises(ValueError, match="c3d.npz has no mean clip"):
        C3D(files[0])
    with pytest.raises(ValueError, match="c3d.npz must have mean of shape"):
        C3D(files[0], files[0])
