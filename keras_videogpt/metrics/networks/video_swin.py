import os
from pathlib import Path

import keras
from keras import ops

from keras_videogpt.data.optional import optional_import
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.float32_policy import float32_policy
from keras_videogpt.metrics.networks.resizing import resize_frames


def video_swin(
    config: dict, weights: str | os.PathLike, name: str = "Video Swin features"
) -> FeatureNetwork:
    """A Video Swin Transformer of KerasCV, whose last feature map is averaged.

    Frames are resized to those of `config` whatever their aspect, scaled to [0, 1], and normalized
    by the mean and deviation of ImageNet's colours. Videos have as many frames as `config` says.

    Args:
        config: arguments of `keras_cv.models.VideoSwinBackbone`, with its `input_shape`
            `(T, H, W, 3)`.
        weights: path of its `.weights.h5`.
        name: what the features are: which network, trained on what.

    Returns:
        A network, with one feature for each channel of the last map.

    Raises:
        ImportError: KerasCV is not installed; the message is the command that installs it.
        FileNotFoundError: there is no such file.
        ValueError: `config` has no `input_shape`, or `weights` are those of another network.

    Example:
        >>> video_swin({"embed_dim": 96}, "swin.weights.h5")
        Traceback (most recent call last):
        ValueError: config must have an input_shape (T, H, W, 3); got None.

    Source: Liu et al., arXiv 2106.13230; keras_cv/src/models/backbones/video_swin of KerasCV.
    """
    shape = config.get("input_shape")
    if shape is None or len(shape) != 4 or shape[-1] != 3 or None in shape:
        raise ValueError(f"config must have an input_shape (T, H, W, 3); got {shape}.")
    num_frames, height, width, _ = shape
    path = Path(weights)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    keras_cv = optional_import("keras_cv", "cv")
    with float32_policy():
        # Its rescaling is that of the mean and deviation of ImageNet.
        backbone = keras_cv.models.VideoSwinBackbone(**{**config, "include_rescaling": True})
        features = keras.layers.GlobalAveragePooling3D()(backbone.output)
    try:
        backbone.load_weights(path)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{path} has no weights of this network: {error}") from error

    def preprocess(videos):
        if videos.shape[1] != num_frames:
            raise ValueError(
                f"{name}: videos must have {num_frames} frames; got {videos.shape[1]}."
            )
        return resize_frames(ops.cast(videos, "float32"), height, width)

    return FeatureNetwork(
        keras.Model(backbone.input, features),
        preprocess,
        name=name,
        distance=f"Fréchet distance of {name}",
        min_frames=num_frames,
        settings={
            "config": {key: _jsonable(value) for key, value in config.items()},
            "version": 1,
        },
    )


def _jsonable(value):
    return list(value) if isinstance(value, tuple) else value
