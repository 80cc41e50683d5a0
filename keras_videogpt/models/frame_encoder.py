import keras

from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.models.checks import check_positive

# Blocks in each of the four groups, by the number of layers of the ResNet.
BLOCKS_PER_GROUP = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
GROUP_STRIDES = ((1, 1, 1), (1, 2, 2), (1, 2, 2), (1, 1, 1))


def _convolution(x, filters, kernel_size, strides, dtype, name, norm_name):
    """A convolution without bias, then layer normalisation over the channels."""
    x = PaddedConv3D(
        filters,
        kernel_size,
        strides=strides,
        extra_padding="before",
        use_bias=False,
        dtype=dtype,
        name=name,
    )(x)
    return LayerNormalization(epsilon=1e-5, dtype=dtype, name=norm_name)(x)


def _basic_block(x, filters, strides, projection, relu_before_addition, dtype, name):
    """Two normalised 3x3x3 convolutions plus the input, or plus its 1x1x1 projection."""

    def convolution(x, kernel_size, strides, end, norm_end):
        return _convolution(
            x, filters, kernel_size, strides, dtype, f"{name}_{end}", f"{name}_{norm_end}"
        )

    shortcut = convolution(x, 1, strides, "projection", "projection_norm") if projection else x
    x = convolution(x, 3, strides, "convolution_0", "norm_0")
    x = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu_0")(x)
    x = convolution(x, 3, 1, "convolution_1", "norm_1")
    if relu_before_addition:
        x = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu_1")(x)
    x = keras.layers.Add(dtype=dtype, name=f"{name}_addition")([x, shortcut])
    return keras.layers.ReLU(dtype=dtype, name=f"{name}_output")(x)


def build_frame_encoder(
    frames_shape: tuple[int, ...],
    width: int = 512,
    depth: int = 34,
    relu_before_addition: bool = False,
    dtype: str | keras.DTypePolicy = "float32",
) -> keras.Model:
    """The functional encoder of the frames a prior is conditioned on: a 3-D ResNet.

    Its blocks are those of ResNet-18 and 34 over time, height and width, with layer normalisation
    over the channels; its stem, a 3x3x3 convolution, keeps the size.

    Args:
        frames_shape: `(F, H, W, C)`; H and W are multiples of 4.
        width: channels of the features; the groups before the last have 64, 128 and 256.
        depth: 18 or 34, the number of layers of the ResNet.
        relu_before_addition: whether a block has a ReLU before its addition too, as the original
            code; ResNets have one after it only.
        dtype: dtype policy of the layers.

    Returns:
        A model from float frames `(B, F, H, W, C)` in [-0.5, 0.5] to features
        `(B, F, H/4, W/4, width)`.

    Raises:
        ValueError: naming the argument, what it is and what it may be.

    Example:
        >>> build_frame_encoder((1, 16, 16, 3), width=32, depth=18).output_shape
        (None, 1, 4, 4, 32)

    Reference: arXiv 2104.10157, section 3 and table 9; arXiv 1512.03385.
    """
    frames_shape = tuple(frames_shape)
    if len(frames_shape) != 4:
        raise ValueError(f"frames_shape must be (F, H, W, C); got {frames_shape}.")
    check_positive(**{f"frames_shape[{i}]": size for i, size in enumerate(frames_shape)})
    check_positive(width=width)
    if any(size % 4 for size in frames_shape[1:3]):
        raise ValueError(f"H and W of frames_shape must be multiples of 4; got {frames_shape}.")
    if depth not in BLOCKS_PER_GROUP:
        raise ValueError(f"depth must be one of {tuple(BLOCKS_PER_GROUP)}; got {depth!r}.")
    frames = keras.Input(frames_shape, name="frames")
    x = _convolution(frames, 64, 3, 1, dtype, "stem_convolution", "stem_norm")
    x = keras.layers.ReLU(dtype=dtype, name="stem_relu")(x)
    groups = zip((64, 128, 256, width), GROUP_STRIDES, BLOCKS_PER_GROUP[depth], strict=True)
    for group, (filters, strides, num_blocks) in enumerate(groups, start=1):
        for block in range(num_blocks):
            x = _basic_block(
                x,
                filters,
                strides if block == 0 else 1,
                projection=block == 0,
                relu_before_addition=relu_before_addition,
                dtype=dtype,
                name=f"group_{group}_block_{block}",
            )
    return keras.Model(frames, x, name="frame_encoder")
