import keras
import numpy as np
from keras import layers, ops

from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.float32_policy import float32_policy
from keras_videogpt.models.checks import check_positive
from keras_videogpt.sampling.controls import check_seed

STRIDES = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
MIN_SIZE = 8


@float32_policy()
def random_network(seed: int = 0, width: int = 32) -> FeatureNetwork:
    """A small 3-D convolutional network with random weights, for want of I3D's.

    Features are the mean and the mean square of each channel after each of three convolutions.
    Distances between them compare with nothing but each other, and are never FVD.

    Args:
        seed: of the weights, which are equal on every backend; 0 or more.
        width: filters of each convolution; there are six times as many features.

    Returns:
        A network for videos of at least 1 frame of at least 8x8 pixels.

    Raises:
        ValueError: an argument is not of those above.

    Example:
        >>> network = random_network()
        >>> network.features(np.zeros((2, 1, 8, 8, 3), "uint8")).shape
        (2, 192)
    """
    check_positive(width=width)
    seed = check_seed(seed)
    rng = np.random.default_rng(seed)
    inputs = x = keras.Input((None, None, None, 3))
    moments = []
    for strides in STRIDES:
        convolution = layers.Conv3D(width, 3, strides, padding="same")
        before, x = x, convolution(x)
        scale = np.sqrt(2 / (27 * before.shape[-1]))  # He et al., arXiv 1502.01852
        kernel = rng.normal(0, scale, convolution.kernel.shape)
        convolution.set_weights([kernel, np.zeros(width)])
        x = layers.LeakyReLU(0.2)(x)
        moments += [ops.mean(x, axis=(1, 2, 3)), ops.mean(ops.square(x), axis=(1, 2, 3))]
    model = keras.Model(inputs, ops.concatenate(moments, axis=-1), name="random_network")
    return FeatureNetwork(
        model,
        _preprocess,
        name="random network",
        distance="random-feature Fréchet distance",
        settings={"seed": seed, "width": width, "version": 1},
    )


def _preprocess(videos):
    height, width = videos.shape[2:4]
    if min(height, width) < MIN_SIZE:
        raise ValueError(
            f"random network: frames must be of at least {MIN_SIZE}x{MIN_SIZE} pixels; got "
            f"{height}x{width}."
        )
    return ops.cast(videos, "float32") / 127.5 - 1
