import importlib.util
import os
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from keras_videogpt.metrics.networks.perceptual_backbones import (
    MIN_SIZES,
    convolution,
    load_backbone,
    load_convolutions,
)
from keras_videogpt.metrics.weights_hash import weights_hash

# Mean and standard deviation of a pixel in [-1, 1].
SHIFT = np.array([-0.030, -0.088, -0.188], "float32")
SCALE = np.array([0.458, 0.448, 0.450], "float32")

EPSILON = 1e-10

# Packages that bring the heads, and where.
HEADS = {"lpips": "weights/v0.1", "torchmetrics": "functional/image/lpips_models"}


class LPIPS:
    """Learned perceptual image patch similarity: how different two frames look to people.

    Version 0.1. The features of a classifier in five stages, each of unit length over its channels,
    are subtracted and squared, weighted by a linear head that was fitted to the judgement of
    people, and averaged over places; the stages are added up. 0 is the same, and lower is better.
    Figures of different `net` or of frames of different sizes don't compare.

    Args:
        net: the classifier: `"alex"`, by which most report, or `"vgg"`.
        backbone: file of the classifier's weights, which torchvision offers for download:
            `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`.
        heads: file of the heads' weights; by default those of the installed package lpips or
            torchmetrics, neither of which is imported.

    Attributes:
        net: as given.
        weights_hash: 16 hexadecimal digits that tell these weights from others.

    Call arguments:
        reference: uint8 `(B, T, H, W, 3)`, at least 31 pixels high and wide for `"alex"`, 16 for
            `"vgg"`.
        video: uint8, of the shape of `reference`.
        batch_size: frames to compare at a time.

    Returns:
        float32 `(B, T)`: a distance per frame.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an argument is not of those above, or a file is damaged or of another network.
        ImportError: no package that has the heads is installed.

    Example:
        >>> LPIPS("alex", backbone="alexnet-owt-7be5be79.pth")
        Traceback (most recent call last):
        FileNotFoundError: alexnet-owt-7be5be79.pth does not exist.

    Source: Zhang et al., arXiv:1801.03924, section 3; github.com/richzhang/PerceptualSimilarity.
    """

    def __init__(
        self, net: str, backbone: str | os.PathLike, heads: str | os.PathLike | None = None
    ):
        if net not in MIN_SIZES:
            raise ValueError(f"net must be one of {sorted(MIN_SIZES)}; got {net!r}.")
        self.net = net
        features = load_backbone(net, backbone)
        self._model = _distance_model(features)
        copies = [
            copy
            for stage in range(len(features.outputs))
            for copy in convolution(f"lin{stage}.model.1", use_bias=False)
        ]
        load_convolutions(self._model, copies, heads or _installed_heads(net))
        self.weights_hash = weights_hash(self._model)

    def __call__(
        self, reference: np.ndarray, video: np.ndarray, batch_size: int = 16
    ) -> np.ndarray:
        _check(reference, video, MIN_SIZES[self.net])
        frames = [np.reshape(x, (-1, *x.shape[2:])) for x in (reference, video)]
        distances = self._model.predict(frames, batch_size=batch_size, verbose=0)
        return distances.reshape(reference.shape[:2])


def _check(reference, video, min_size):
    for name, array in (("reference", reference), ("video", video)):
        if array.dtype != np.uint8:
            raise ValueError(f"{name} must be uint8; got {array.dtype}.")
    shape = reference.shape
    if len(shape) != 5 or shape[-1] != 3 or 0 in shape[:2]:
        raise ValueError(f"reference must be (B, T, H, W, 3); got shape {shape}.")
    if min(shape[2:4]) < min_size:
        raise ValueError(
            f"reference must have frames of at least {min_size} x {min_size} pixels; "
            f"got {shape[2]} x {shape[3]}."
        )
    if video.shape != shape:
        raise ValueError(f"video must have reference's shape, {shape}; got {video.shape}.")


def _installed_heads(net):
    for package, folder in HEADS.items():
        spec = importlib.util.find_spec(package)
        for location in (spec and spec.submodule_search_locations) or ():
            path = Path(location, folder, f"{net}.pth")
            if path.exists():
                return path
    raise ImportError(
        "The heads of LPIPS are in the package `lpips`, which is not installed. Install it with: "
        "pip install --no-deps lpips"
    )


def _distance_model(features: keras.Model) -> keras.Model:
    """A model from two batches of frames, uint8 `(N, H, W, 3)`, to distances, float32 `(N,)`."""
    frames = [keras.Input((None, None, 3), dtype="uint8") for _ in range(2)]
    stages = zip(*[features(_normalize_pixels(x)) for x in frames], strict=True)
    distance = 0.0
    for index, (a, b) in enumerate(stages):  # (N, h, w, channels)
        head = layers.Conv2D(
            1,
            1,
            use_bias=False,
            kernel_initializer="zeros",
            name=f"lin{index}_model_1",
            data_format="channels_last",
            dtype="float32",
        )
        difference = ops.square(_unit_length(a) - _unit_length(b))
        distance += ops.mean(head(difference), axis=(1, 2, 3))
    return keras.Model(frames, distance, name=f"lpips_{features.name}")


def _normalize_pixels(frames):
    return (ops.cast(frames, "float32") / 127.5 - 1.0 - SHIFT) / SCALE


def _unit_length(x):
    length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
    return x / (length + EPSILON)
