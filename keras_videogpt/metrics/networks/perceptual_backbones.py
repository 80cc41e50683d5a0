"""The image classifiers in whose features LPIPS compares, with the weights of torchvision."""

import os

import keras
import numpy as np
from keras import layers, ops

from keras_videogpt.convert.state_dict import open_state_dict
from keras_videogpt.convert.tensor_map import Copy, check_names, copy_tensors

# (height, width, in, out) of (out, in, height, width)
CONVOLUTION_2D = (2, 3, 1, 0)

# Stages, each with the size of the max pooling before it and its convolutions: place in
# torchvision's `features`, filters, kernel, stride.
ALEXNET = (
    (None, ((0, 64, 11, 4),)),
    (3, ((3, 192, 5, 1),)),
    (3, ((6, 384, 3, 1),)),
    (None, ((8, 256, 3, 1),)),
    (None, ((10, 256, 3, 1),)),
)
VGG16 = (
    (None, ((0, 64, 3, 1), (2, 64, 3, 1))),
    (2, ((5, 128, 3, 1), (7, 128, 3, 1))),
    (2, ((10, 256, 3, 1), (12, 256, 3, 1), (14, 256, 3, 1))),
    (2, ((17, 512, 3, 1), (19, 512, 3, 1), (21, 512, 3, 1))),
    (2, ((24, 512, 3, 1), (26, 512, 3, 1), (28, 512, 3, 1))),
)
STAGES = {"alex": ALEXNET, "vgg": VGG16}
MIN_SIZES = {"alex": 31, "vgg": 16}  # of a frame's height and width, in pixels


def perceptual_backbone(net: str) -> keras.Model:
    """The five stages of convolutions of AlexNet or VGG16, their weights still zero.

    It is of float32 whatever the dtype policy, and padded as in PyTorch.

    Args:
        net: `"alex"` or `"vgg"`.

    Returns:
        A model from frames, float `(N, H, W, 3)` normalised as the weights need it, to a list of
        what each stage gives: float32 `(N, h, w, channels)`, after the ReLU. Frames are at least 31
        pixels high and wide for `"alex"`, 16 for `"vgg"`.

    Example:
        >>> features = perceptual_backbone("alex")(keras.ops.zeros((1, 64, 64, 3)))
        >>> [tuple(x.shape) for x in features]
        [(1, 15, 15, 64), (1, 7, 7, 192), (1, 3, 3, 384), (1, 3, 3, 256), (1, 3, 3, 256)]

    Source: `alexnet` and `vgg16` of torchvision; Krizhevsky, arXiv:1404.5997; Simonyan and
        Zisserman, arXiv:1409.1556.
    """
    options = {"data_format": "channels_last", "dtype": "float32"}
    x = frames = keras.Input((None, None, 3), dtype="float32")
    outputs = []
    for pool_size, convolutions in STAGES[net]:
        if pool_size:
            x = layers.MaxPooling2D(pool_size, strides=2, **options)(x)
        for place, filters, kernel_size, strides in convolutions:
            padding = "same"
            if strides > 1:
                x = layers.ZeroPadding2D(2, **options)(x)  # "same" would pad one side more
                padding = "valid"
            x = layers.Conv2D(
                filters,
                kernel_size,
                strides,
                padding,
                activation="relu",
                kernel_initializer="zeros",
                name=f"features_{place}",
                **options,
            )(x)
        outputs.append(x)
    return keras.Model(frames, outputs, name=net)


def load_backbone(net: str, path: str | os.PathLike) -> keras.Model:
    """A `perceptual_backbone` with the weights of a file of torchvision.

    Args:
        net: `"alex"` or `"vgg"`.
        path: the state dict of torchvision's `alexnet` or `vgg16`, such as
            `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or of another network; the message names its tensors.

    Source: download.pytorch.org/models has the files.
    """
    model = perceptual_backbone(net)
    places = [place for _, convolutions in STAGES[net] for place, *_ in convolutions]
    copies = [copy for place in places for copy in convolution(f"features.{place}")]
    load_convolutions(model, copies, path)
    return model


def convolution(name: str, use_bias: bool = True) -> list[Copy]:
    """Copies of a 2-D convolution to the layer of the same name, with `_` for the dots."""
    layer = name.replace(".", "_")
    copies = [
        Copy((f"{name}.weight",), lambda model: model.get_layer(layer).kernel, CONVOLUTION_2D)
    ]
    if use_bias:
        copies += [Copy((f"{name}.bias",), lambda model: model.get_layer(layer).bias)]
    return copies


def load_convolutions(model: keras.Model, copies: list[Copy], path: str | os.PathLike) -> None:
    """Sets convolutions to those of a state dict; what else the file holds stays unread.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or lacks a tensor or has it in another shape, or one is not
            of finite numbers.
    """
    stored = open_state_dict(path)
    names = [name for copy in copies for name in copy.names]
    tensors = {name: stored[name] for name in names if name in stored}
    try:
        check_names(copies, tensors)
        copy_tensors(copies, model, tensors)
    except ValueError as error:
        raise ValueError(f"{path} holds other weights than {model.name} needs: {error}") from error
    for copy in copies:
        if not np.isfinite(ops.convert_to_numpy(copy.variable(model))).all():
            raise ValueError(f"{path} is damaged: {copy.names[0]} has numbers that are not finite.")
