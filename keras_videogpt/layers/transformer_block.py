import keras
from keras import ops

from keras_videogpt.layers.causal_attention import CausalSelfAttention


def quick_gelu(x):
    """`x * sigmoid(1.702 x)`, the original's approximation of GELU (arXiv 1606.08415)."""
    return x * ops.sigmoid(1.702 * x)


@keras.saving.register_keras_serializable("keras_videogpt")
class TransformerBlock(keras.layers.Layer):
    """A pre-norm transformer block: causal self-attention, then a feed-forward network.

    Args:
        num_heads: attention heads.
        feed_forward_ratio: hidden units of the feed-forward network over the channels.
        dropout: share dropped after the attention and after the feed-forward network.
        num_layers: depth of the stack the block is part of.
        seed: seed of the dropout.

    Call arguments:
        x: float `(B, L, channels)`.
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
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.feed_forward_ratio = feed_forward_ratio
        self.dropout = dropout
        self.num_layers = num_layers
        self.seed = seed

    def build(self, input_shape):
        channels = input_shape[-1]
        dtype = self.dtype_policy
        hidden = int(channels * self.feed_forward_ratio)
        self.attention_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=dtype, name="attention_norm"
        )
        self.attention = CausalSelfAttention(
            self.num_heads, self.num_layers, dtype=dtype, name="attention"
        )
        self.feed_forward_norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=dtype, name="feed_forward_norm"
        )
        self.expand = keras.layers.Dense(hidden, dtype=dtype, name="expand")
        self.contract = keras.layers.Dense(channels, dtype=dtype, name="contract")
        self.drop = keras.layers.Dropout(self.dropout, seed=self.seed, dtype=dtype, name="drop")
        for layer in (self.attention_norm, self.attention, self.feed_forward_norm, self.expand):
            layer.build(input_shape)
        self.contract.build((*input_shape[:-1], hidden))

    def call(self, x, training=False):
        attended = self.attention(self.attention_norm(x))
        x = x + self.drop(attended, training=training)
        return x + self.drop(self._feed_forward(x), training=training)

    def _feed_forward(self, x):
        return self.contract(quick_gelu(self.expand(self.feed_forward_norm(x))))

    def step(self, x, cache, index):
        """The block at one position, `(B, channels)`; see `CausalSelfAttention.step`."""
        attended, cache = self.attention.step(self.attention_norm(x), cache, index)
        x = x + attended
        return x + self._feed_forward(x), cache

    def save_own_variables(self, store):
        # Keras leaves seeds out of saved weights; a resumed run would drop other units.
        if self.dropout > 0:
            store["seed"] = ops.convert_to_numpy(self.drop.seed_generator.state.value)

    def load_own_variables(self, store):
        if self.dropout > 0:
            self.drop.seed_generator.state.assign(store["seed"])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feed_forward_ratio": self.feed_forward_ratio,
            "dropout": self.dropout,
            "num_layers": self.num_layers,
            "seed": self.seed,
        }
