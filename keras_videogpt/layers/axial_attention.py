from typing import Any

import keras
import numpy as np
from keras import ops

# Position of each axis in (B, T, H, W, channels).
AXES = {"time": 1, "height": 2, "width": 3}


@keras.saving.register_keras_serializable("keras_videogpt")
class AxialAttention(keras.layers.Layer):
    """Sum of three self-attentions over the same input: along width, height and time.

    Args:
        num_heads: number of heads; must divide the channels.

    Call arguments:
        x: float `(B, T, H, W, channels)`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> AxialAttention(num_heads=2)(keras.ops.zeros((1, 4, 8, 8, 32))).shape
        (1, 4, 8, 8, 32)

    Reference: arXiv 2104.10157, section 3 (figure 4); axial attention is arXiv 1912.12180.
    """

    def __init__(self, num_heads: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_heads = num_heads

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                f"num_heads must divide the channels; got num_heads={self.num_heads} "
                f"and {channels} channels."
            )
        self.head_dim = channels // self.num_heads
        self.projections = {}
        self.outputs = {}
        for axis in AXES:
            self.projections[axis] = self._dense(3 * channels, f"{axis}_query_key_value", False)
            self.outputs[axis] = self._dense(channels, f"{axis}_output", True)
            self.projections[axis].build(input_shape)
            self.outputs[axis].build(input_shape)

    def _dense(self, units, name, use_bias):
        # Variance 1/channels, as the original's projections.
        initializer = keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, x):
        return sum(self._attend(x, axis) for axis in AXES)

    def _attend(self, x, axis):
        # Sequences along an axis are short: two plain products with one copy of each operand are
        # faster on all backends than a fused kernel, and the weights take less than the values.
        sequence = AXES[axis]
        others = [position for position in (0, *AXES.values()) if position != sequence]
        order = (*sorted(others), 4, sequence, 5)  # of (B, T, H, W, heads, head_dim)
        heads = (*ops.shape(x)[:-1], self.num_heads, self.head_dim)
        query, key, value = (
            ops.transpose(ops.reshape(part, heads), order)
            for part in ops.split(self.projections[axis](x), 3, axis=-1)
        )
        grid = ops.shape(query)
        query, key, value = (ops.reshape(part, (-1, *grid[-2:])) for part in (query, key, value))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) * self.head_dim**-0.5
        weights = ops.softmax(ops.cast(scores, "float32"))
        attended = ops.matmul(ops.cast(weights, self.compute_dtype), value)
        attended = ops.transpose(ops.reshape(attended, grid), np.argsort(order).tolist())
        return self.outputs[axis](ops.reshape(attended, ops.shape(x)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
