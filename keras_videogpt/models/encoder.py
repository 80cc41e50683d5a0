from typing import Any

import keras

from keras_videogpt.layers.normalization import normalization
from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.layers.residual_block import ResidualBlock
from keras_videogpt.typing import Tensor


def strides_per_convolution(downsample: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The strides of the encoder's convolutions: every axis is halved until it is down.

    Args:
        downsample: total downsampling of time, height and width; powers of two.

    Returns:
        One `(t, h, w)` stride per convolution, each 1 or 2.

    Example:
        >>> strides_per_convolution((4, 2, 1))
        [(2, 2, 1), (2, 1, 1)]
    """
    halvings = [factor.bit_length() - 1 for factor in downsample]
    return [tuple(2 if n > i else 1 for n in halvings) for i in range(max(halvings))]


def residual_stack(
    x: Tensor,
    num_layers: int,
    hidden_units: int,
    norm: str,
    dtype: str | keras.DTypePolicy | None,
    name: str,
    **block_options: Any,
) -> Tensor:
    """Residual blocks, then norm and ReLU, applied to the symbolic tensor `x`."""
    for i in range(num_layers):
        x = ResidualBlock(norm=norm, dtype=dtype, name=f"{name}_{i}", **block_options)(x)
    x = normalization(norm, hidden_units, dtype=dtype, name=f"{name}_norm")(x)
    return keras.layers.ReLU(dtype=dtype, name=f"{name}_relu")(x)


def build_encoder(
    video_shape: tuple[int, ...],
    downsample: tuple[int, ...],
    hidden_units: int,
    extra_padding: str,
    dtype: str | keras.DTypePolicy | None,
    **stack_options: Any,
) -> keras.Model:
    """The functional encoder: strided convolutions (kernel 4), a 3x3x3 one, residual blocks.

    Args:
        video_shape: `(T, H, W, C)`.
        downsample: total downsampling of time, height and width; powers of two.
        hidden_units: channels of every feature map.
        extra_padding: side of odd zeros, `"after"` or `"before"`; see `PaddedConv3D`.
        dtype: dtype policy of the layers.
        **stack_options: options of `residual_stack`.

    Returns:
        A model from video `(B, T, H, W, C)` to features `(B, t, h, w, hidden_units)`.

    Example:
        >>> encoder = build_encoder((4, 16, 16, 3), (2, 4, 4), 32, "after", "float32",
        ...                         num_layers=1, norm="layer", residual_units=16)
        >>> encoder.output_shape
        (None, 2, 4, 4, 32)

    Reference: arXiv 2104.10157, section 3 and table 8.
    """
    video = keras.Input(video_shape, name="video")
    x = video
    for i, strides in enumerate(strides_per_convolution(downsample)):
        x = PaddedConv3D(
            hidden_units,
            4,
            strides=strides,
            extra_padding=extra_padding,
            activation="relu",
            dtype=dtype,
            name=f"downsample_{i}",
        )(x)
    x = PaddedConv3D(hidden_units, 3, dtype=dtype, name="convolution")(x)
    x = residual_stack(x, hidden_units=hidden_units, dtype=dtype, name="residual", **stack_options)
    return keras.Model(video, x, name="encoder")
