import math

import keras
import numpy as np
from keras import ops

from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.layers.start_of_sequence import StartOfSequence
from keras_videogpt.layers.transformer_block import TransformerBlock
from keras_videogpt.models.batches import (
    as_numpy,
    first_batches,
    in_batches,
    is_video,
    video_or_codes,
)
from keras_videogpt.models.checks import (
    check_codes,
    check_positive,
    check_unconditional,
    check_video,
)
from keras_videogpt.models.video_model import VideoModel
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.quantizers.codebook_lookup import CodebookLookup


@keras.saving.register_keras_serializable("keras_videogpt")
class VideoGPT(VideoModel):
    """An autoregressive transformer over the codes of a video tokenizer.

    Called on codes or video it returns a dictionary: `logits` (float32 `(B, t, h, w[, G],
    num_codes)`, each position's from the codes before it) and `codes` (int32). `fit` takes a
    dataset of dictionaries with `video` or `codes`, or of bare videos or codes. The prior keeps a
    frozen copy of the tokenizer: nothing that happens to the original later reaches it, and it is
    saved inside.

    Args:
        tokenizer: a trained `VQVAE`.
        num_layers: transformer blocks.
        num_heads: attention heads; must divide `hidden_dim`.
        hidden_dim: channels of the transformer.
        feed_forward_ratio: hidden units of the feed-forward networks over `hidden_dim`.
        dropout: share dropped after attention and after feed-forward, in [0, 1).
        seed: seed of the dropout.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32)
        >>> gpt.compile(optimizer="adam")
        >>> videos = np.random.default_rng(0).integers(0, 256, (4, 4, 16, 16, 3), "uint8")
        >>> history = gpt.fit(videos, batch_size=2, verbose=0)
        >>> gpt.logits(vqvae.encode(videos)).shape
        (4, 2, 8, 8, 32)

    Reference: arXiv 2104.10157, section 3 and table 9.
    """

    def __init__(
        self,
        tokenizer: VQVAE,
        num_layers: int = 8,
        num_heads: int = 4,
        hidden_dim: int = 512,
        feed_forward_ratio: float = 4,
        dropout: float = 0.2,
        seed: int | None = None,
        dtype=None,
        **kwargs,
    ):
        if not isinstance(tokenizer, VQVAE):
            raise ValueError(f"tokenizer must be a VQVAE; got {type(tokenizer).__name__}.")
        check_positive(num_layers=num_layers, num_heads=num_heads, hidden_dim=hidden_dim)
        if hidden_dim % num_heads:
            raise ValueError(
                f"num_heads must divide hidden_dim; got num_heads={num_heads} "
                f"and hidden_dim={hidden_dim}."
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1); got {dropout}.")
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # === Layers ===
        tokenizer = frozen_copy(tokenizer)
        grid = tokenizer.codes_shape  # (t, h, w), or (t, h, w, G)
        length = math.prod(grid)
        embed = keras.layers.Dense(
            hidden_dim,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=dtype,
            name="embed",
        )
        start = StartOfSequence(dtype=dtype, name="start_of_sequence")
        positions = PositionEmbedding(dtype=dtype, name="positions")
        blocks = [
            TransformerBlock(
                num_heads,
                feed_forward_ratio,
                dropout,
                num_layers,
                seed=None if seed is None else seed + i,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(num_layers)
        ]
        norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name="norm")
        unembed = keras.layers.Dense(
            tokenizer.num_codes,
            use_bias=False,
            kernel_initializer="zeros",
            dtype=dtype,
            name="unembed",
        )
        to_float32 = keras.layers.Activation("linear", dtype="float32", name="logits")

        # === Functional model ===
        codes = keras.Input(grid, dtype="int32", name="codes")
        vectors = CodebookLookup(tokenizer.quantizer, dtype=dtype, name="codebook_lookup")(codes)
        # With several codebooks their axis is the innermost of the sequence.
        vectors = keras.layers.Reshape((length, tokenizer.code_dim), dtype=dtype, name="vectors")(
            vectors
        )
        x = start(embed(vectors))  # (B, L, hidden_dim)
        x = keras.layers.Reshape((*grid, hidden_dim), dtype=dtype, name="grid")(x)
        x = positions(x)
        x = keras.layers.Reshape((length, hidden_dim), dtype=dtype, name="sequence")(x)
        for block in blocks:
            x = block(x)
        logits = to_float32(unembed(norm(x)))
        logits = keras.layers.Reshape(
            (*grid, tokenizer.num_codes), dtype="float32", name="logits_grid"
        )(logits)
        super().__init__(
            inputs={"codes": codes},
            outputs={"logits": logits, "codes": codes},
            dtype=dtype,
            **kwargs,
        )
        self.tokenizer = tokenizer
        self.embed = embed
        self.start = start
        self.positions = positions
        self.blocks = blocks
        self.norm = norm
        self.unembed = unembed
        self.bits_per_code = keras.metrics.Mean(name="bits_per_code")

        # === Config ===
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.feed_forward_ratio = feed_forward_ratio
        self.dropout = dropout
        self.seed = seed
        #: Shape of a clip's codes: `(t, h, w)`, or `(t, h, w, G)`.
        self.codes_shape = grid
        #: Codes of a clip, in the order they are predicted in.
        self.length = length

    @property
    def input_spec(self):
        # Video is accepted in the place of codes; `call` checks what it gets.
        return None

    @input_spec.setter
    def input_spec(self, value):
        pass

    def call(self, inputs, training=None, mask=None):
        return super().call({"codes": self._codes(inputs)}, training=training)

    def _codes(self, inputs):
        """The codes of a batch as `fit` yields it; video is tokenized."""
        batch = video_or_codes(inputs)
        codes = batch.get("codes")
        if codes is None:
            return ops.stop_gradient(self.tokenizer.encode(ops.convert_to_tensor(batch["video"])))
        check_codes(codes, self.codes_shape, self.tokenizer.num_codes)
        return ops.cast(codes, "int32")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy in nats per code."""
        self.refuse_targets(y, sample_weight)
        loss = ops.mean(cross_entropy(y_pred["logits"], y_pred["codes"]))
        self.bits_per_code.update_state(loss / math.log(2))
        return loss + sum(self.losses)

    def check_data(self, x) -> None:
        """Checks the first batch."""
        if hasattr(x, "shape"):
            x = video_or_codes(x)
        for batch in map(video_or_codes, first_batches(x, 1)):
            if "video" in batch:
                check_video(as_numpy(batch["video"]), self.tokenizer.video_shape, "video")
            if "codes" in batch:
                check_codes(as_numpy(batch["codes"]), self.codes_shape, self.tokenizer.num_codes)

    def logits(self, codes, frames=None, labels=None, actions=None, batch_size: int = 8):
        """Teacher-forced logits of every code given the ones before it.

        Args:
            codes: integers `(B, t, h, w)`, or `(B, t, h, w, G)`. A NumPy array is worked through in
                batches; a tensor goes through at once, inside a compiled function too.
            frames, labels, actions: conditions, for priors that take them.
            batch_size: clips per batch of a NumPy array.

        Returns:
            float32 `(B, t, h, w[, G], num_codes)`: NumPy for NumPy, a tensor otherwise.

        Raises:
            ValueError: `codes` has another shape or dtype, or values out of range; or the prior
                does not take a given condition.
        """
        check_unconditional(frames=frames, labels=labels, actions=actions)
        if ops.is_tensor(codes):
            return self(codes, training=False)["logits"]
        codes = np.asarray(codes)
        check_codes(codes, self.codes_shape, self.tokenizer.num_codes)
        return in_batches(
            lambda batch: self.predict_on_batch({"codes": batch})["logits"],
            codes.astype("int32"),
            batch_size,
        )

    def bits_per_dim(self, videos_or_codes, batch_size: int = 8) -> np.ndarray:
        """Bits the prior needs for each code of a clip, on average.

        Args:
            videos_or_codes: videos `(B, T, H, W, C)`, uint8 or float in [-0.5, 0.5], or integer
                codes `(B, t, h, w[, G])`.
            batch_size: clips per batch.

        Returns:
            float32 `(B,)`.

        Raises:
            ValueError: the argument is neither, or out of range.

        Reference: arXiv 2104.10157, table 4 ("bits/dim", per latent code).
        """
        array = as_numpy(videos_or_codes)
        if is_video(array):
            check_video(array, self.tokenizer.video_shape, "videos_or_codes")
            codes = self.tokenizer.encode(array, batch_size)
        else:
            codes = array
            check_codes(codes, self.codes_shape, self.tokenizer.num_codes, "videos_or_codes")

        def bits(batch):
            losses = cross_entropy(self.logits(batch, batch_size=batch_size), batch)
            losses = ops.convert_to_numpy(losses)
            return losses.reshape(len(batch), -1).mean(axis=1) / math.log(2)

        return in_batches(bits, codes.astype("int32"), batch_size).astype("float32")

    def empty_cache(self, batch_size: int) -> list:
        """Every block's cache of keys and values before the first code."""
        return [block.attention.empty_cache(batch_size, self.length) for block in self.blocks]

    def step(self, previous, cache, index):
        """Logits of one code, given the code before it and the cache.

        Args:
            previous: int32 `(B,)`, the code at position `index - 1`; ignored at position 0.
            cache: as `empty_cache` gives, filled below `index`.
            index: position in the order of prediction; an integer, or a scalar tensor.

        Returns:
            float32 logits `(B, num_codes)`, and the cache filled up to `index`.
        """
        books = self.tokenizer.num_codebooks
        vectors = self.tokenizer.quantizer.lookup_in_book(previous, (index - 1) % books)
        x = self.embed(ops.cast(vectors, self.compute_dtype))
        start = ops.cast(ops.convert_to_tensor(self.start.vector), x.dtype)
        x = ops.where(ops.equal(index, 0), start, x)
        table = ops.reshape(self.positions.table(), (self.length, self.hidden_dim))
        x = x + ops.cast(ops.take(table, index, axis=0), x.dtype)
        updated = []
        for block, block_cache in zip(self.blocks, cache, strict=True):
            x, block_cache = block.step(x, block_cache, index)
            updated.append(block_cache)
        return ops.cast(self.unembed(self.norm(x)), "float32"), updated

    def get_config(self):
        return {
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "feed_forward_ratio": self.feed_forward_ratio,
            "dropout": self.dropout,
            "seed": self.seed,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return super().from_config({**config, "tokenizer": tokenizer})


def cross_entropy(logits, codes):
    """Cross-entropy of every code in nats: logits `(..., K)`, codes `(...)`, to `(...)`."""
    return keras.losses.sparse_categorical_crossentropy(codes, logits, from_logits=True)


def frozen_copy(tokenizer: VQVAE) -> VQVAE:
    """A copy of a tokenizer, with its weights, that nothing trains."""
    copy = VQVAE.from_config(tokenizer.get_config())
    copy.set_weights(tokenizer.get_weights())
    copy.trainable = False
    return copy
