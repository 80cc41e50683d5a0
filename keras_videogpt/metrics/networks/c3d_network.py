import os

import keras
import numpy as np
from keras import layers

# Convolutions of each stage, and the size and stride of the pooling after it.
STAGES = (
    (("conv1a",), (1, 2, 2)),
    (("conv2a",), (2, 2, 2)),
    (("conv3a", "conv3b"), (2, 2, 2)),
    (("conv4a", "conv4b"), (2, 2, 2)),
    (("conv5a", "conv5b"), (2, 2, 2)),
)

# Weights are zero until they are loaded, since drawing 78 million takes long. Whatever the global
# policy, features are those of float32.
OPTIONS = {"kernel_initializer": "zeros", "dtype": "float32"}


def c3d_network(
    filters: tuple[int, ...] = (64, 128, 256, 512, 512),
    num_units: int = 4096,
    num_classes: int = 101,
) -> keras.Model:
    """C3D: eight 3-D convolutions and three dense layers, with dropout left out.

    All weights are zero until they are loaded.

    Args:
        filters: of the convolutions, one of each of the five stages.
        num_units: of each of the two hidden dense layers.
        num_classes: number of logits.

    Call arguments:
        x: float32 `(B, 16, 112, 112, 3)`, BGR in [0, 256] less the mean clip.

    Returns:
        A model, whose output is logits `(B, num_classes)`.

    Example:
        >>> c3d_network((2, 2, 2, 2, 2), num_units=4, num_classes=5).output_shape
        (None, 5)

    Source: Tran et al., arXiv 1412.0767, section 3; github.com/pfnet-research/tgan2,
    tgan2/models/c3d/c3d_ucf101.py.
    """
    inputs = x = keras.Input((16, 112, 112, 3), dtype="float32")
    for number, ((names, pool), width) in enumerate(zip(STAGES, filters, strict=True), start=1):
        for name in names:
            x = layers.Conv3D(width, 3, padding="same", activation="relu", name=name, **OPTIONS)(x)
        # Chainer pools what is left at the end of an odd axis too: 7x7 becomes 4x4.
        x = layers.MaxPooling3D(pool, padding="same", dtype="float32", name=f"pool{number}")(x)
    x = layers.Permute((4, 1, 2, 3), dtype="float32")(x)  # channels first, as in Chainer
    x = layers.Flatten(dtype="float32")(x)
    x = layers.Dense(num_units, "relu", name="fc6", **OPTIONS)(x)
    x = layers.Dense(num_units, "relu", name="fc7", **OPTIONS)(x)
    outputs = layers.Dense(num_classes, name="fc8", **OPTIONS)(x)
    return keras.Model(inputs, outputs, name="c3d")


def load_chainer_weights(
    model: keras.Model, arrays: dict[str, np.ndarray], path: str | os.PathLike
) -> None:
    """Sets the weights of C3D to those of Chainer.

    Args:
        model: of `c3d_network`.
        arrays: `W` and `b` of each layer by name, such as `"conv1a/W"`.
        path: the file they come from, to name it.

    Raises:
        ValueError: an array is missing, or has another shape.

    Example:
        >>> model = c3d_network((2, 2, 2, 2, 2), num_units=4, num_classes=5)
        >>> load_chainer_weights(model, {}, "c3d.npz")
        Traceback (most recent call last):
        ValueError: c3d.npz must have conv1a/W of shape (2, 3, 3, 3, 3); it has no such array.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel = layer.kernel.shape  # (t, h, w, in, out) or (in, out); Chainer's is reversed
        order = (4, 3, 0, 1, 2) if len(kernel) == 5 else (1, 0)
        shape = tuple(kernel[axis] for axis in order)
        weight = checked_array(arrays, f"{layer.name}/W", shape, path)
        bias = checked_array(arrays, f"{layer.name}/b", shape[:1], path)
        layer.set_weights([np.transpose(weight, np.argsort(order)), bias])


def checked_array(
    arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...], path: str | os.PathLike
) -> np.ndarray:
    """An array of a file as float32, once it's sure that it's there and has this shape.

    Args:
        arrays: those of the file, by name.
        name: the array's.
        shape: that it must have.
        path: the file, to name it.

    Raises:
        ValueError: it isn't there, has another shape, or is not of finite numbers.

    Example:
        >>> checked_array({"mean": np.zeros(2)}, "mean", (3,), "mean2.npz")
        Traceback (most recent call last):
        ValueError: mean2.npz must have mean of shape (3,); its shape is (2,).
    """
    if name not in arrays:
        raise ValueError(f"{path} must have {name} of shape {shape}; it has no such array.")
    array = arrays[name]
    if array.shape != shape:
        raise ValueError(f"{path} must have {name} of shape {shape}; its shape is {array.shape}.")
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"{path} must have finite floats in {name}; it has {array.dtype}.")
    return array.astype("float32")
