from typing import Any

import keras
from keras import ops

from keras_videogpt.layers.key_value_cache import attend_to_all
from keras_videogpt.layers.step_operations import linear, reshape
from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class CrossAttention(keras.layers.Layer):
    """Multi-head attention of every position of a sequence to every position of a memory.

    Args:
        num_heads: number of heads; must divide the channels of the sequence.
        value_dim: channels of a value in each head; `None` for the sequence's channels over the
            heads. The original code has the memory's channels over the heads.
        num_layers: depth of the stack the layer is part of; scales the output's initial weights.

    Call arguments:
        x: float `(B, L, channels)`.
        memory: float `(B, M, memory_channels)`.
        memory_mask: bool `(B, M)`, `True` for what may be attended to, at least one position of
            each memory; `None` for all.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: `num_heads` does not divide the channels.

    Example:
        >>> frames = keras.ops.zeros((2, 16, 24))
        >>> CrossAttention(num_heads=4)(keras.ops.zeros((2, 10, 32)), frames).shape
        (2, 10, 32)

    Reference: arXiv 2104.10157, section 3; arXiv 1706.03762.
    """

    def __init__(
        self, num_heads: int, value_dim: int | None = None, num_layers: int = 1, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.value_dim = value_dim
        self.num_layers = num_layers

    def build(self, x_shape, memory_shape):
        channels, memory_channels = x_shape[-1], memory_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                f"num_heads must divide the channels; got num_heads={self.num_heads} "
                f"and {channels} channels."
            )
        self.head_dim = channels // self.num_heads
        values = self.num_heads * (self.value_dim or self.head_dim)
        self.query = self._dense(channels, channels, "query")
        self.key = self._dense(channels, memory_channels, "key")
        self.value = self._dense(values, memory_channels, "value")
        self.output_projection = self._dense(
            channels, channels * self.num_layers, "output", use_bias=True
        )
        self.query.build(x_shape)
        self.key.build(memory_shape)
        self.value.build(memory_shape)
        self.output_projection.build((*x_shape[:-1], values))

    def _dense(self, units, inverse_variance, name, use_bias=False):
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=keras.initializers.RandomNormal(stddev=inverse_variance**-0.5),
            dtype=self.dtype_policy,
            name=name,
        )

    def _split(self, x):
        # No -1, which would leave the channels unknown to a TensorFlow graph of any batch size.
        shape = (*ops.shape(x)[:-1], self.num_heads, x.shape[-1] // self.num_heads)
        return ops.reshape(x, shape)

    def keys_values(self, memory: Tensor) -> tuple:
        """Keys and values of a memory, which a loop over positions needs to compute only once.

        Args:
            memory: float `(B, M, memory_channels)`.

        Returns:
            Keys `(B, heads, M, channels / heads)` and values `(B, heads, M, value_dim)`.
        """
        keys, values = self._split(self.key(memory)), self._split(self.value(memory))
        return ops.transpose(keys, (0, 2, 1, 3)), ops.transpose(values, (0, 2, 1, 3))

    def _attend(self, x, keys_values, mask):
        # Not ops.dot_product_attention: on JAX, values must have as many channels as keys.
        keys, values = keys_values
        query = self._split(self.query(x)) * self.head_dim**-0.5
        scores = ops.cast(ops.einsum("blnd,bnmd->bnlm", query, keys), "float32")
        if mask is not None:
            scores = ops.where(mask[:, None, None], scores, -1e9)
        weights = ops.softmax(scores, axis=-1)
        attended = ops.einsum("bnlm,bnmd->blnd", ops.cast(weights, values.dtype), values)
        shape = (*ops.shape(attended)[:-2], self.num_heads * attended.shape[-1])
        return self.output_projection(ops.reshape(attended, shape))

    def call(self, x, memory, memory_mask=None):
        return self._attend(x, self.keys_values(memory), memory_mask)

    def step_keys_values(self, memory: Tensor, memory_mask: Tensor | None = None) -> tuple:
        """What `step` takes of a memory, heads as more sequences.

        Args:
            memory, memory_mask: as in the call.

        Returns:
            Keys and values `(B * heads, M, ...)`; with a mask, that too, `(B * heads, M)`.
        """
        arrays = [
            ops.reshape(array, (-1, *ops.shape(array)[2:])) for array in self.keys_values(memory)
        ]
        if memory_mask is not None:
            arrays.append(ops.repeat(memory_mask, self.num_heads, axis=0))
        return tuple(arrays)

    def prefill(self, x: Tensor, keys_values: tuple) -> Tensor:
        """The outputs at some positions.

        Args:
            x: float `(B, P, channels)`, the inputs at the positions.
            keys_values: as `step_keys_values` gives.

        Returns:
            Tensor of the shape of `x`.
        """
        keys, values, *mask = (
            ops.reshape(array, (-1, self.num_heads, *array.shape[1:])) for array in keys_values
        )
        return self._attend(x, (keys, values), mask[0][:, 0] if mask else None)

    def step(self, x: Tensor, keys_values: tuple) -> Tensor:
        """The output at one position.

        Weights must be of the compute dtype.

        Args:
            x: float `(B, channels)`, the input at the position.
            keys_values: as `step_keys_values` gives.

        Returns:
            Tensor of the shape of `x`.
        """
        query = reshape(linear(self.query, x), (-1, self.head_dim))
        attended = attend_to_all(query, *keys_values)
        attended = reshape(attended, (-1, self.num_heads * attended.shape[-1]))
        return linear(self.output_projection, attended)

    def compute_output_shape(self, x_shape, memory_shape):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "value_dim": self.value_dim,
            "num_layers": self.num_layers,
        }
