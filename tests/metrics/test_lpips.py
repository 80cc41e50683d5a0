"""LPIPS computes what the original code computes, from the same files of weights."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from torch.nn import functional

from keras_videogpt.metrics import lpips
from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.weights_hash import weights_hash

# torchvision's `features`: place, filters, kernel, stride, padding; "M" is a max pooling.
ALEXNET = [(0, 64, 11, 4, 2), "M", (3, 192, 5, 1, 2), "M", (6, 384, 3, 1, 1)]
ALEXNET += [(8, 256, 3, 1, 1), (10, 256, 3, 1, 1)]
VGG16 = [(0, 64), (2, 64), "M", (5, 128), (7, 128), "M", (10, 256), (12, 256), (14, 256), "M"]
VGG16 += [(17, 512), (19, 512), (21, 512), "M", (24, 512), (26, 512), (28, 512)]
NETS = {
    "alex": (ALEXNET, 3, (0, 3, 6, 8, 10)),
    "vgg": ([x if x == "M" else (*x, 3, 1, 1) for x in VGG16], 2, (2, 7, 14, 21, 28)),
}
SHAPES = {"alex": (2, 2, 38, 45, 3), "vgg": (1, 2, 17, 22, 3)}


def random_backbone(net):
    """A state dict as torchvision's, with features of about unit size, and a classifier."""
    generator = torch.Generator().manual_seed(0)
    channels, tensors = 3, {}
    for layer in NETS[net][0]:
        if layer != "M":
            place, filters, size, *_ = layer
            weight = torch.randn((filters, channels, size, size), generator=generator)
            tensors[f"features.{place}.weight"] = weight * (2 / (channels * size**2)) ** 0.5
            tensors[f"features.{place}.bias"] = 0.1 * torch.randn(filters, generator=generator)
            channels = filters
    return {**tensors, "classifier.6.weight": torch.zeros(10, 10)}


def random_heads(net):
    generator = torch.Generator().manual_seed(1)
    filters = {layer[0]: layer[1] for layer in NETS[net][0] if layer != "M"}
    return {
        f"lin{stage}.model.1.weight": torch.rand((1, filters[place], 1, 1), generator=generator)
        for stage, place in enumerate(NETS[net][2])
    }


def features(net, tensors, frames):
    layers, pool_size, outputs = NETS[net]
    for layer in layers:
        if layer == "M":
            frames = functional.max_pool2d(frames, pool_size, 2)
            continue
        place, _, _, stride, padding = layer
        weight, bias = tensors[f"features.{place}.weight"], tensors[f"features.{place}.bias"]
        frames = functional.relu(functional.conv2d(frames, weight, bias, stride, padding))
        if place in outputs:
            yield frames / (frames.square().sum(1, keepdim=True).sqrt() + 1e-10)


def expected_distances(net, backbone, heads, reference, video):
    """The published definition, in PyTorch."""
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    stages = []
    for clip in (reference, video):
        frames = torch.tensor(clip.reshape(-1, *clip.shape[2:])).permute(0, 3, 1, 2)
        stages.append(features(net, backbone, (frames / 255 * 2 - 1 - shift) / scale))
    distance = 0
    for stage, (a, b) in enumerate(zip(*stages, strict=True)):
        head = heads[f"lin{stage}.model.1.weight"]
        distance += functional.conv2d((a - b).square(), head).mean((1, 2, 3))
    return distance.numpy().reshape(reference.shape[:2])


def random_videos(net):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, SHAPES[net], "uint8") for _ in range(2)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of weights, AlexNet's in the format of old PyTorch, in which old ones are offered."""
    folder = tmp_path_factory.mktemp("weights")
    for net in NETS:
        torch.save(
            random_backbone(net),
            folder / f"{net}.pth",
            _use_new_zipfile_serialization=net != "alex",
        )
        torch.save(random_heads(net), folder / f"{net}_heads.pth")
    return folder


@pytest.fixture(scope="module")
def metrics(files):
    return {net: LPIPS(net, files / f"{net}.pth", files / f"{net}_heads.pth") for net in NETS}


@pytest.mark.parametrize("net", NETS)
def test_distances_equal_the_original_s(net, metrics):
    reference, video = random_videos(net)
    distances = metrics[net](reference, video, batch_size=3)
    expected = expected_distances(net, random_backbone(net), random_heads(net), reference, video)
    assert distances.dtype == np.float32 and distances.shape == SHAPES[net][:2]
    assert expected.min() > 0.1
    np.testing.assert_allclose(distances, expected, rtol=1e-5)


def test_the_published_heads_are_found_and_used(files):
    if importlib.util.find_spec("lpips") is None:
        pytest.skip("the package lpips is not here: pip install --no-deps lpips")
    reference, video = random_videos("alex")
    location = importlib.util.find_spec("lpips").submodule_search_locations[0]
    heads = torch.load(Path(location, "weights/v0.1/alex.pth"), map_location="cpu")
    distances = LPIPS("alex", files / "alex.pth")(reference, video)
    expected = expected_distances("alex", random_backbone("alex"), heads, reference, video)
    np.testing.assert_allclose(distances, expected, rtol=1e-5)


def test_the_distance_is_symmetric_and_zero_for_the_same(metrics):
    reference, video = random_videos("alex")
    metric = metrics["alex"]
    np.testing.assert_allclose(metric(reference, video), metric(video, reference), rtol=1e-6)
    distances = metric(reference, np.stack([reference[0], video[1]]))
    # Not 0 to the last bit where a compiler fuses a division with the subtraction.
    assert (distances[0] < 1e-12).all() and (distances[1] > 0.1).all()


def test_the_dtype_policy_does_not_change_the_distance(metrics, files):
    reference, video = random_videos("alex")
    keras.config.set_dtype_policy("mixed_bfloat16")
    metric = LPIPS("alex", files / "alex.pth", files / "alex_heads.pth")
    distances = metric(reference, video)
    np.testing.assert_allclose(distances, metrics["alex"](reference, video), rtol=1e-6)


def test_the_hash_tells_weights_apart(metrics, files, tmp_path):
    changed = random_heads("alex")
    changed["lin4.model.1.weight"][0, 0] += 1e-3
    torch.save(changed, tmp_path / "heads.pth")
    same = LPIPS("alex", files / "alex.pth", files / "alex_heads.pth")
    other = LPIPS("alex", files / "alex.pth", tmp_path / "heads.pth")
    assert same.weights_hash == metrics["alex"].weights_hash != other.weights_hash
    assert same.weights_hash == weights_hash(same._model)


def test_files_of_other_weights_are_refused_by_name(files, tmp_path):
    wrong = random_backbone("alex")
    del wrong["features.3.bias"]
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match="wrong.pth holds other .*: missing tensors: features.3.b"):
        LPIPS("alex", tmp_path / "wrong.pth", files / "alex_heads.pth")
    wrong["features.3.bias"] = torch.zeros(193)
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=r"features.3.bias \(193,\), not \(192,\)"):
        LPIPS("alex", tmp_path / "wrong.pth", files / "alex_heads.pth")
    with pytest.raises(ValueError, match=r"lin1.model.1.weight \(1, 128, 1, 1\), not \(1, 192, "):
        LPIPS("alex", files / "alex.pth", files / "vgg_heads.pth")
    with pytest.raises(FileNotFoundError, match="none.pth does not exist"):
        LPIPS("alex", tmp_path / "none.pth")


@pytest.mark.parametrize("damaged", ["alex.pth", "alex_heads.pth"])
def test_weights_that_are_not_finite_are_refused_by_name(files, tmp_path, damaged):
    tensors = random_backbone("alex") if damaged == "alex.pth" else random_heads("alex")
    name = {"alex.pth": "features.6.bias", "alex_heads.pth": "lin2.model.1.weight"}[damaged]
    tensors[name].view(-1)[3] = torch.nan
    torch.save(tensors, tmp_path / damaged)
    paths = {name: files / name for name in ("alex.pth", "alex_heads.pth")}
    paths[damaged] = tmp_path / damaged
    with pytest.raises(ValueError, match=f"{damaged} is damaged: {name} has numbers that are not"):
        LPIPS("alex", *paths.values())


def test_missing_heads_name_the_command_that_installs_them(files, monkeypatch):
    monkeypatch.setattr(lpips, "HEADS", {"no_such_package": "weights"})
    with pytest.raises(ImportError, match="pip install --no-deps lpips"):
        LPIPS("alex", files / "alex.pth")


def test_wrong_arguments_are_named(metrics, files):
    with pytest.raises(ValueError, match="net must be one of .*; got 'squeeze'"):
        LPIPS("squeeze", files / "alex.pth")
    good = np.zeros((1, 2, 31, 31, 3), "uint8")
    assert metrics["alex"](good, good).shape == (1, 2)
    for reference, video, message in (
        (good, good / 255, "video must be uint8; got float64"),
        (good[0], good[0], r"reference must be \(B, T, H, W, 3\); got shape \(2, 31, 31, 3\)"),
        (good[..., :1], good, r"reference must be .*; got shape \(1, 2, 31, 31, 1\)"),
        (good[:0], good, r"reference must be .*; got shape \(0, 2"),
        (good[:, :, 1:], good, "at least 31 x 31 pixels; got 30 x 31"),
        (good, good[:, :1], "video must have reference's shape"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics["alex"](reference, video)
    with pytest.raises(ValueError, match="at least 16 x 16 pixels; got 15 x 31"):
        metrics["vgg"](good[:, :, :15], good)
    assert metrics["vgg"](good[:, :, :16, :16], good[:, :, :16, :16]).shape == (1, 2)
