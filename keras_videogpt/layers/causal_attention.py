from typing import Any

import keras
from keras import ops

from keras_videogpt.layers import key_value_cache
from keras_videogpt.layers.step_operations import linear, reshape
from keras_videogpt.typing import Tensor

# TensorFlow has no fused attention: queries go in blocks, each against the keys up to its end, so
# that no score matrix is larger than a block's and the masked half is not computed.
TENSORFLOW_BLOCK = 512


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention of every position to itself and those before it.

    Args:
        query, key, value: float `(B, L, heads, channels)`.

    Returns:
        Tensor `(B, L, heads, channels)`.
    """
    length = query.shape[1]
    if keras.backend.backend() != "tensorflow" or length <= TENSORFLOW_BLOCK:
        return ops.dot_product_attention(query, key, value, is_causal=True)
    blocks = []
    for start in range(0, length, TENSORFLOW_BLOCK):
        end = min(start + TENSORFLOW_BLOCK, length)
        visible = ops.arange(end)[None, :] <= ops.arange(start, end)[:, None]
        blocks.append(
            ops.dot_product_attention(
                query[:, start:end], key[:, :end], value[:, :end], mask=visible[None, None]
            )
        )
    return ops.concatenate(blocks, axis=1)


@keras.saving.register_keras_serializable("keras_videogpt")
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head self-attention in which a position sees itself and the ones before it.

    Args:
        num_heads: number of heads; must divide the channels.
        num_layers: depth of the stack the layer is part of; scales the output's initial weights.

    Call arguments:
        x: float `(B, L, channels)`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> CausalSelfAttention(num_heads=4)(keras.ops.zeros((2, 10, 32))).shape
        (2, 10, 32)

    Reference: arXiv 2104.10157, section 3; arXiv 1706.03762.
    """

    def __init__(self, num_heads: int, num_layers: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.num_layers = num_layers

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                f"num_heads must divide the channels; got num_heads={self.num_heads} "
                f"and {channels} channels."
            )
        self.head_dim = channels // self.num_heads
        self.query_key_value = keras.layers.Dense(
            3 * channels,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=channels**-0.5),
            dtype=self.dtype_policy,
            name="query_key_value",
        )
        self.output_projection = keras.layers.Dense(
            channels,
            kernel_initializer=keras.initializers.RandomNormal(
                stddev=(channels * self.num_layers) ** -0.5
            ),
            dtype=self.dtype_policy,
            name="output",
        )
        self.query_key_value.build(input_shape)
        self.output_projection.build(input_shape)

    def _project(self, x):
        shape = (*ops.shape(x)[:-1], 3, self.num_heads, self.head_dim)
        return ops.unstack(ops.reshape(self.query_key_value(x), shape), 3, axis=-3)

    def _merge(self, attended):
        shape = (*ops.shape(attended)[:-2], self.num_heads * self.head_dim)
        return self.output_projection(ops.reshape(attended, shape))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of every position, `(B, L, heads, channels)` each and in return."""
        return causal_attention(query, key, value)

    def call(self, x):
        return self._merge(self.attend(*self._project(x)))

    def empty_cache(self, batch_size: int, length: int) -> tuple:
        """Zeroed keys and values of `length` positions; see `key_value_cache`."""
        return key_value_cache.empty_cache(
            batch_size * self.num_heads, length, self.head_dim, self.compute_dtype
        )

    def prefill(self, x: Tensor) -> tuple:
        """The layer at the first positions of a sequence, and what it leaves in the cache.

        Args:
            x: float `(B, P, channels)`.

        Returns:
            Tensor of the shape of `x`; keys and values `(B * heads, P, channels / heads)`.
        """
        query, key, value = self._project(x)
        shape = (-1, x.shape[1], self.head_dim)
        entries = tuple(
            ops.reshape(ops.transpose(array, (0, 2, 1, 3)), shape) for array in (key, value)
        )
        return self._merge(self.attend(query, key, value)), entries

    def begin_run(self, cache: tuple, first: Tensor, steps: int) -> tuple:
        """What `step` needs for the positions of a run.

        Args:
            cache: keys and values, filled below `first`.
            first: the run's first position; an integer, or a scalar tensor.
            steps: number of positions.

        Returns:
            The past, the run, and the place of its first position in it: see `key_value_cache`.
        """
        return key_value_cache.begin_run(cache, first, steps)

    def step(self, x: Tensor, past: tuple | None, run: tuple, index: Tensor) -> tuple:
        """The output at one position of a run.

        Weights must be of the compute dtype.

        Args:
            x: float `(B, channels)`, the input at the position.
            past, run: as `begin_run` gives, the run filled below `index`.
            index: place in the run; an integer, or a scalar tensor in a compiled function.

        Returns:
            The output `(B, channels)`, and `run` filled up to `index`.
        """
        shape = (-1, 3, self.num_heads, self.head_dim)
        projected = reshape(linear(self.query_key_value, x), shape)
        query, key, value = (reshape(projected[:, i], (-1, self.head_dim)) for i in range(3))
        run = key_value_cache.write(run, (key[:, None], value[:, None]), index)
        attended = key_value_cache.attend(query, past, run, index)
        attended = reshape(attended, (-1, self.num_heads * self.head_dim))
        return linear(self.output_projection, attended), run

    def end_run(self, cache: tuple, run: tuple, start: Tensor, first: Tensor, steps: int) -> tuple:
        """The cache filled with what a run left.

        Args:
            cache: as it was given to `begin_run`.
            run: filled, its own positions from place `start` on.
            start, first, steps: of `begin_run`.
        """
        if run[0] is cache[0]:
            return cache
        size = (ops.shape(run[0])[0], steps, self.head_dim)
        return key_value_cache.end_run(
            cache, tuple(ops.slice(array, (0, start, 0), size) for array in run), first
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_layers": self.num_layers,
        }
