from typing import Any

import keras

from keras_videogpt.layers.axial_attention import AxialAttention
from keras_videogpt.layers.normalization import normalization
from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.layers.rematerialization import rematerialized


@keras.saving.register_keras_serializable("keras_videogpt")
class ResidualBlock(keras.layers.Layer):
    """Norm, ReLU, 3x3x3 convolution; norm, ReLU, 1x1x1 convolution; norm, ReLU, axial attention.

    Args:
        residual_units: channels between the two convolutions.
        axial_attention: whether the block ends in norm, ReLU and axial attention.
        num_heads: heads of the axial attention.
        norm: `"batch"`, `"layer"` or `"group"`; see `normalization`.
        positions: a `PositionEmbedding` added before the attention, or `None`. The paper shares one
            over all blocks of the encoder and the decoder.
        remat: whether gradients compute the activations between norms again instead of keeping
            them.

    Call arguments:
        x: float `(B, T, H, W, channels)`.
        training: whether batch statistics are used and learned.

    Returns:
        `x` plus the block's output, same shape.

    Example:
        >>> ResidualBlock(16)(keras.ops.zeros((1, 4, 8, 8, 32))).shape
        (1, 4, 8, 8, 32)

    Reference: arXiv 2104.10157, section 3.
    """

    def __init__(
        self,
        residual_units: int,
        axial_attention: bool = True,
        num_heads: int = 2,
        norm: str = "batch",
        positions: keras.layers.Layer | None = None,
        remat: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.residual_units = residual_units
        self.axial_attention = axial_attention
        self.num_heads = num_heads
        self.norm = norm
        self.positions = positions
        self.remat = remat

    def build(self, input_shape):
        channels = input_shape[-1]
        widths = (channels, self.residual_units, channels)
        kernels = (3, 1)
        self.norms = [
            normalization(self.norm, width, dtype=self.dtype_policy, name=f"norm_{i}")
            for i, width in enumerate(widths[: 3 if self.axial_attention else 2])
        ]
        self.convolutions = [
            PaddedConv3D(
                widths[i + 1],
                kernels[i],
                use_bias=False,
                dtype=self.dtype_policy,
                name=f"convolution_{i}",
            )
            for i in range(2)
        ]
        for layer, width in zip(self.norms, widths, strict=False):
            layer.build((*input_shape[:-1], width))
        for layer, width in zip(self.convolutions, widths, strict=False):
            layer.build((*input_shape[:-1], width))
        if self.axial_attention:
            self.attention = AxialAttention(
                self.num_heads, dtype=self.dtype_policy, name="axial_attention"
            )
            self.attention.build(input_shape)
            if self.positions is not None and not self.positions.built:
                self.positions.build(input_shape)

    def call(self, x, training=False):
        h = x
        branches = [*self.convolutions, self._attend] if self.axial_attention else self.convolutions
        for norm, branch in zip(self.norms, branches, strict=True):
            h = self._activated(branch, norm(h, training=training), training)
        return x + h

    def _activated(self, branch, h, training):
        def compute(h):
            return branch(keras.ops.relu(h))

        # Norms stay outside: they update their statistics.
        return rematerialized(compute, h) if self.remat and training else compute(h)

    def _attend(self, h):
        return self.attention(h if self.positions is None else self.positions(h))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "residual_units": self.residual_units,
            "axial_attention": self.axial_attention,
            "num_heads": self.num_heads,
            "norm": self.norm,
            "positions": keras.saving.serialize_keras_object(self.positions),
            "remat": self.remat,
        }

    @classmethod
    def from_config(cls, config):
        positions = config.pop("positions")
        if isinstance(positions, dict):
            positions = keras.saving.deserialize_keras_object(positions)
        return cls(positions=positions, **config)
