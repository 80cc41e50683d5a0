from typing import Any

import keras
from keras import ops

from keras_videogpt.layers import step_operations
from keras_videogpt.layers.causal_attention import CausalSelfAttention
from keras_videogpt.layers.cross_attention import CrossAttention
from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.layers.rematerialization import DrawnSeed, rematerialized
from keras_videogpt.layers.sparse_attention import StridedSparseSelfAttention
from keras_videogpt.typing import Tensor


def quick_gelu(x: Tensor) -> Tensor:
    """`x * sigmoid(1.702 x)`, the original's approximation of GELU (arXiv 1606.08415)."""
    return x * ops.sigmoid(1.702 * x)


@keras.saving.register_keras_serializable("keras_videogpt")
class TransformerBlock(keras.layers.Layer):
    """A pre-norm transformer block: self-attention, attention to a memory, feed-forward network.

    The attention to a memory is there if the block is built with one; its norms are conditional if
    it is built with a condition.

    Args:
        num_heads: attention heads.
        feed_forward_ratio: hidden units of the feed-forward network over the channels.
        dropout: share dropped after each attention and after the feed-forward network.
        num_layers: depth of the stack the block is part of.
        sparse_grid: shape of the codes, for `StridedSparseSelfAttention` over it; `None` for full
            `CausalSelfAttention`.
        block_size, num_local_blocks: of `StridedSparseSelfAttention`.
        cross_value_dim: `value_dim` of the `CrossAttention` to the memory.
        epsilon_placement, gains: of every `LayerNormalization`.
        remat: whether gradients compute the block's activations again instead of keeping them.
        seed: seed of the dropout.

    Call arguments:
        x: float `(B, L, channels)`.
        condition: float `(B, condition_dim)`, or `(B, groups, condition_dim)` for groups of
            consecutive positions, what gains and biases depend on; or `None`.
        memory: float `(B, M, memory_channels)`, what every position attends to, or `None`.
        memory_mask: bool `(B, M)`, `True` for what may be attended to; `None` for all.
        training: whether dropout applies.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> TransformerBlock(num_heads=4)(keras.ops.zeros((2, 10, 32))).shape
        (2, 10, 32)

    Reference: arXiv 2104.10157, section 3 and table 9.
    """

    def __init__(
        self,
        num_heads: int,
        feed_forward_ratio: float = 4,
        dropout: float = 0.0,
        num_layers: int = 1,
        sparse_grid: tuple[int, ...] | None = None,
        block_size: int = 32,
        num_local_blocks: int = 4,
        cross_value_dim: int | None = None,
        epsilon_placement: str = "inside",
        gains: str = "learned",
        remat: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        # The norms take a condition as it is, not rounded to bfloat16.
        super().__init__(autocast=False, **kwargs)
        self.num_heads = num_heads
        self.feed_forward_ratio = feed_forward_ratio
        self.dropout = dropout
        self.num_layers = num_layers
        self.sparse_grid = sparse_grid
        self.block_size = block_size
        self.num_local_blocks = num_local_blocks
        self.cross_value_dim = cross_value_dim
        self.epsilon_placement = epsilon_placement
        self.gains = gains
        self.remat = remat
        self.seed = seed

    def build(self, x_shape, condition_shape=None, memory_shape=None):
        channels = x_shape[-1]
        dtype = self.dtype_policy
        hidden = int(channels * self.feed_forward_ratio)
        attention = {"num_layers": self.num_layers, "dtype": dtype}
        self.attention_norm = self._norm("attention_norm")
        if self.sparse_grid is None:
            self.attention = CausalSelfAttention(self.num_heads, name="attention", **attention)
        else:
            self.attention = StridedSparseSelfAttention(
                self.num_heads,
                self.sparse_grid,
                self.block_size,
                self.num_local_blocks,
                name="attention",
                **attention,
            )
        self.cross_attention = None
        if memory_shape is not None:
            self.cross_norm = self._norm("cross_norm")
            self.cross_attention = CrossAttention(
                self.num_heads, self.cross_value_dim, name="cross_attention", **attention
            )
            self.cross_norm.build(x_shape, condition_shape)
            self.cross_attention.build(x_shape, memory_shape)
        self.feed_forward_norm = self._norm("feed_forward_norm")
        self.expand = keras.layers.Dense(hidden, dtype=dtype, name="expand")
        self.contract = keras.layers.Dense(channels, dtype=dtype, name="contract")
        # Never called: it owns the seeds, under the name that files of models have.
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, dtype=dtype, name="drop")
        self.attention_norm.build(x_shape, condition_shape)
        self.feed_forward_norm.build(x_shape, condition_shape)
        self.attention.build(x_shape)
        self.expand.build(x_shape)
        self.contract.build((*x_shape[:-1], hidden))

    def _norm(self, name):
        return LayerNormalization(
            epsilon_placement=self.epsilon_placement,
            gains=self.gains,
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, x, condition=None, memory=None, memory_mask=None, training=False):
        seeds = []
        if training and self.dropout > 0:
            branches = 2 if self.cross_attention is None else 3
            seeds = [DrawnSeed(self.drop.seed_generator) for _ in range(branches)]

        def compute(x, condition, memory):
            drawn = iter(seeds)

            def residual(change):
                return (
                    keras.random.dropout(change, self.dropout, seed=next(drawn))
                    if seeds
                    else change
                )

            x = x + residual(self.attention(self.attention_norm(x, condition)))
            if self.cross_attention is not None:
                normed = self.cross_norm(x, condition)
                x = x + residual(self.cross_attention(normed, memory, memory_mask=memory_mask))
            return x + residual(self._feed_forward(self.feed_forward_norm(x, condition)))

        x = ops.cast(x, self.compute_dtype)
        if self.remat and training:
            return rematerialized(compute, x, condition, memory)
        return compute(x, condition, memory)

    def _feed_forward(self, x):
        return self.contract(quick_gelu(self.expand(x)))

    def context(
        self,
        condition: Tensor | None = None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> dict:
        """What steps need of a condition and a memory, which a loop computes only once."""
        norms = [self.attention_norm, self.feed_forward_norm]
        context = {}
        if self.cross_attention is not None:
            norms.append(self.cross_norm)
            context["keys_values"] = self.cross_attention.step_keys_values(memory, memory_mask)
        return context | {norm.name: norm.step_gain_and_bias(condition) for norm in norms}

    def prefill(self, x: Tensor, context: dict, groups: Tensor | None = None) -> tuple:
        """The block at the first positions of a sequence, and what it leaves in the cache.

        Args:
            x: float `(B, P, channels)`, the inputs at the positions.
            context: as the method of this name gives.
            groups: int32 `(P,)`, the group of every position, where each has its own condition.

        Returns:
            The output, of the shape of `x`; keys and values `(B * heads, P, channels / heads)`.
        """

        def normalized(norm):
            gain, bias = context[norm.name]
            if groups is not None:
                gain, bias = (
                    ops.transpose(ops.take(array, groups, axis=0), (1, 0, 2))
                    for array in (gain, bias)
                )
            return norm.normalize(x, gain, bias)

        attended, entries = self.attention.prefill(normalized(self.attention_norm))
        x = x + attended
        if self.cross_attention is not None:
            keys_values = context["keys_values"]
            x = x + self.cross_attention.prefill(normalized(self.cross_norm), keys_values)
        return x + self._feed_forward(normalized(self.feed_forward_norm)), entries

    def step(
        self,
        x: Tensor,
        past: tuple | None,
        run: tuple,
        index: Tensor,
        context: dict,
        group: Tensor | None = None,
    ) -> tuple:
        """The block at one position of a run; see `CausalSelfAttention.step`.

        Args:
            x: float `(B, channels)`, the input at the position.
            past, run, index: of the self-attention.
            context: as the method of this name gives.
            group: of the position, where each group of them has its own condition; an integer, or a
                scalar tensor in a compiled function.

        Returns:
            The output `(B, channels)`, and `run` filled up to `index`.
        """

        def normalized(norm, x):
            return step_operations.normalize(norm, x, *context[norm.name], group)

        attended, run = self.attention.step(normalized(self.attention_norm, x), past, run, index)
        x = x + attended
        if self.cross_attention is not None:
            keys_values = context["keys_values"]
            x = x + self.cross_attention.step(normalized(self.cross_norm, x), keys_values)
        hidden = step_operations.linear(self.expand, normalized(self.feed_forward_norm, x))
        hidden = step_operations.quick_gelu(hidden)
        return x + step_operations.linear(self.contract, hidden), run

    def save_own_variables(self, store):
        # Keras leaves seeds out of saved weights; a resumed run would drop other units.
        if self.dropout > 0:
            store["seed"] = ops.convert_to_numpy(self.drop.seed_generator.state.value)

    def load_own_variables(self, store):
        if self.dropout > 0:
            self.drop.seed_generator.state.assign(store["seed"])

    def compute_output_shape(self, x_shape, condition_shape=None, memory_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feed_forward_ratio": self.feed_forward_ratio,
            "dropout": self.dropout,
            "num_layers": self.num_layers,
            "sparse_grid": self.sparse_grid,
            "block_size": self.block_size,
            "num_local_blocks": self.num_local_blocks,
            "cross_value_dim": self.cross_value_dim,
            "epsilon_placement": self.epsilon_placement,
            "gains": self.gains,
            "remat": self.remat,
            "seed": self.seed,
        }
