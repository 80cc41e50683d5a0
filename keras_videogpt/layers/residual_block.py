import keras

from keras_videogpt.layers.axial_attention import AxialAttention
from keras_videogpt.layers.normalization import normalization
from keras_videogpt.layers.padded_convolution import PaddedConv3D


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
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.residual_units = residual_units
        self.axial_attention = axial_attention
        self.num_heads = num_heads
        self.norm = norm
        self.positions = positions

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
        for norm, convolution in zip(self.norms, self.convolutions, strict=False):
            h = convolution(keras.ops.relu(norm(h, training=training)))
        if self.axial_attention:
            h = keras.ops.relu(self.norms[2](h, training=training))
            if self.positions is not None:
                h = self.positions(h)
            h = self.attention(h)
        return x + h

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
        }

    @classmethod
    def from_config(cls, config):
        positions = config.pop("positions")
        if isinstance(positions, dict):
            positions = keras.saving.deserialize_keras_object(positions)
        return cls(positions=positions, **config)
