from typing import Any

import keras
from keras import layers

from keras_videogpt.metrics.networks.float32_policy import float32_policy

# Filters of the branches of an Inception module, in the order of BRANCHES; sizes of poolings.
STAGES: dict[str, Any] = {
    "Conv3d_1a_7x7": 64,
    "MaxPool3d_2a_3x3": ((1, 3, 3), (1, 2, 2)),
    "Conv3d_2b_1x1": 64,
    "Conv3d_2c_3x3": 192,
    "MaxPool3d_3a_3x3": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "MaxPool3d_4a_3x3": ((3, 3, 3), (2, 2, 2)),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "MaxPool3d_5a_2x2": ((2, 2, 2), (2, 2, 2)),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}

# Convolutions of an Inception module, and their kernels' sizes.
BRANCHES = {"b0": 1, "b1a": 1, "b1b": 3, "b2a": 1, "b2b": 3, "b3b": 1}


@float32_policy()
def i3d_network(num_classes: int = 400) -> keras.Model:
    """I3D: Inception-v1 whose kernels have a time axis, each batch normalization in its kernel.

    Its weights are zero: `load_i3d_weights` sets them.

    Args:
        num_classes: number of logits.

    Call arguments:
        x: float32 `(B, T, 224, 224, 3)` in [-1, 1], with `T >= 9`.

    Returns:
        A model, whose output is logits `(B, num_classes)`, averaged over time.

    Source: Carreira and Zisserman, arXiv 1705.07750, figure 3.
    """
    inputs = x = keras.Input((None, 224, 224, 3))
    for name, sizes in STAGES.items():
        if name.startswith("Mixed"):
            x = _inception_module(x, name, sizes)
        elif name.startswith("MaxPool"):
            x = layers.MaxPooling3D(*sizes, padding="same", name=name)(x)
        else:
            kernel_size = int(name[-1])
            x = _convolution(x, name, sizes, kernel_size, strides=2 if kernel_size == 7 else 1)
    x = layers.AveragePooling3D((2, 7, 7), strides=1)(x)  # (B, T / 8 - 1, 1, 1, 1024)
    x = layers.GlobalAveragePooling3D()(x)
    logits = layers.Dense(num_classes, kernel_initializer="zeros", name="logits")(x)
    return keras.Model(inputs, logits, name="i3d")


def _inception_module(x, name, filters):
    width = dict(zip(BRANCHES, filters, strict=True))

    def convolution(x, branch):
        return _convolution(x, f"{name}_{branch}", width[branch], BRANCHES[branch])

    pooled = layers.MaxPooling3D(3, strides=1, padding="same")(x)
    return layers.Concatenate()(
        [
            convolution(x, "b0"),
            convolution(convolution(x, "b1a"), "b1b"),
            convolution(convolution(x, "b2a"), "b2b"),
            convolution(pooled, "b3b"),
        ]
    )


def _convolution(x, name, filters, kernel_size, strides=1):
    return layers.Conv3D(
        filters,
        kernel_size,
        strides,
        padding="same",
        activation="relu",
        kernel_initializer="zeros",
        name=name,
    )(x)
