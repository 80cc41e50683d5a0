from typing import Any

import keras

from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.layers.transposed_convolution import Conv3DTranspose
from keras_videogpt.models.encoder import residual_stack, strides_per_convolution


def build_decoder(
    latent_shape: tuple[int, ...],
    upsample: tuple[int, ...],
    hidden_units: int,
    channels: int,
    dtype: str | keras.DTypePolicy | None,
    **stack_options: Any,
) -> keras.Model:
    """The functional decoder, the encoder's mirror: residual blocks, then transposed convolutions.

    Its last convolution runs in float32 under any precision, so that pixels keep all their levels.

    Args:
        latent_shape: `(t, h, w)`.
        upsample: total upsampling of time, height and width; powers of two.
        hidden_units: channels of every feature map.
        channels: channels of the video.
        dtype: dtype policy of the other layers.
        **stack_options: options of `residual_stack`.

    Returns:
        A model from features `(B, t, h, w, hidden_units)` to float32 video `(B, T, H, W, C)`.

    Example:
        >>> decoder = build_decoder((2, 4, 4), (2, 4, 4), 32, 3, "float32", num_layers=1,
        ...                         norm="layer", residual_units=16)
        >>> decoder.output_shape
        (None, 4, 16, 16, 3)

    Reference: arXiv 2104.10157, section 3 and table 8.
    """
    features = keras.Input((*latent_shape, hidden_units), name="features")
    x = residual_stack(
        features, hidden_units=hidden_units, dtype=dtype, name="residual", **stack_options
    )
    strides = strides_per_convolution(upsample)
    for i, stride in enumerate(strides[:-1]):
        x = Conv3DTranspose(
            hidden_units,
            4,
            strides=stride,
            activation="relu",
            dtype=dtype,
            name=f"upsample_{i}",
        )(x)
    if strides:
        video = Conv3DTranspose(channels, 4, strides=strides[-1], dtype="float32", name="video")(x)
    else:
        video = PaddedConv3D(channels, 3, dtype="float32", name="video")(x)
    return keras.Model(features, video, name="decoder")
