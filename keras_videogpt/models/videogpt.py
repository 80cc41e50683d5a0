import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_videogpt.layers.int8_weights import INT8, dense_layers, quick_deletion
from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.layers.start_of_sequence import StartOfSequence
from keras_videogpt.layers.transformer_block import TransformerBlock
from keras_videogpt.models.batches import (
    as_numpy,
    in_batches,
    is_video,
    video_or_codes,
)
from keras_videogpt.models.checks import (
    check_choice,
    check_codes,
    check_positive,
    check_video,
)
from keras_videogpt.models.condition_arguments import conditions_of_model
from keras_videogpt.models.condition_encoder import build_condition_encoder
from keras_videogpt.models.frozen_copy import frozen_copy
from keras_videogpt.models.video_model import VideoModel
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.quantizers.codebook_lookup import CodebookLookup
from keras_videogpt.typing import Tensor

# Arguments that are kept as they are, as attributes and in the config.
ARGUMENTS = (
    "num_layers",
    "num_heads",
    "hidden_dim",
    "feed_forward_ratio",
    "dropout",
    "attention",
    "frame_cond",
    "num_classes",
    "class_names",
    "action_shape",
    "num_actions",
    "action_conditioning",
    "embedding_shape",
    "condition_dropout",
    "block_size",
    "num_local_blocks",
    "frame_encoder_depth",
    "frame_encoder_width",
    "relu_before_addition",
    "cross_value_dim",
    "epsilon_placement",
    "gains",
    "seed",
    "remat",
)


@keras.saving.register_keras_serializable("keras_videogpt")
class VideoGPT(VideoModel):
    """An autoregressive transformer over the codes of a video tokenizer.

    It may be conditioned on the first frames of a clip (a 3-D ResNet, to whose features every layer
    attends), on a sequence of embeddings, of a text for example (to which every layer attends too),
    on its class and on actions (conditional norms), alone and together.

    Called on codes or video it returns a dictionary: `logits` (float32 `(B, t, h, w[, G],
    num_codes)`, each position's from the codes before it) and `codes` (int32). `fit` takes a
    dataset of dictionaries with `video` or `codes`, or of bare videos or codes; where it is
    conditioned, with `label` `(B,)`, `actions` `(B, T, A)`, `embeddings` `(B, L, D)` and
    `embedding_mask` `(B, L)` (bool, all there if it is left out), and beside `codes` with `frames`.
    The prior keeps a frozen copy of the tokenizer: nothing that happens to the original later
    reaches it, and it is saved inside.

    Actions reach the codes in one of two ways. `"clip"`, the paper's: all of a clip as one vector,
    on which gains and biases of every norm depend; every code sees what is done after it too.
    `"frame"`, for world models: each latent frame has gains and biases of its own, which depend on
    the actions that lead to its frames, and the codes of earlier latent frames have brought theirs.
    Action t, done after frame t, leads to frame t + 1; latent frame k stands for d = T / t frames,
    up to frame k d + d - 1. Its codes, and those before, depend on no action from k d + d - 1 on:
    whatever is done after its last frame, its logits and samples are the same. (Pixels are decoded
    from all codes at once, by a tokenizer that looks at neighbouring latent frames; what is causal
    are the codes.) Norms rather than an embedding added to the input, since they reach every layer
    however deep, are the paper's way of giving actions, and are computed once for all steps.

    Args:
        tokenizer: a trained `VQVAE`.
        num_layers: transformer blocks.
        num_heads: attention heads; must divide `hidden_dim`.
        hidden_dim: channels of the transformer.
        feed_forward_ratio: hidden units of the feed-forward networks over `hidden_dim`.
        dropout: share dropped after attention and after feed-forward, in [0, 1).
        attention: `"full"`, or `"sparse"` for `StridedSparseSelfAttention`.
        frame_cond: number of first frames F of a clip that are given; 0 for none.
        num_classes: number of classes, if they are given; `None` if not.
        class_names: names of the classes 0, 1, ...; labels may then be names, and `num_classes`
            left out. `None` without.
        action_shape: `(T, A)`, if actions are given: for each frame A numbers, of about unit size;
            `None` if not. The last one, which leads out of the clip, is not used.
        num_actions: number of discrete actions: the A numbers of `(T, A)`, or the one of `(T,)`,
            are integers below it. `None` for continuous actions.
        action_conditioning: `"clip"` or `"frame"`, see above.
        embedding_shape: `(L, D)` of the sequence of embeddings, if one is given; `None` if not.
        condition_dropout: probability that a condition of a clip is dropped in training, each by
            itself, in [0, 1). Above 0, the prior may be asked without some conditions or any, and
            sampled with `guidance`.
        block_size, num_local_blocks: of the sparse attention.
        frame_encoder_depth: 18 or 34, layers of the ResNet over the given frames.
        frame_encoder_width: channels of its features; those of embeddings beside it have as many,
            and without it `hidden_dim`.
        relu_before_addition: of the ResNet; `True` as the original code.
        cross_value_dim: channels of a value in each head of the cross-attention; `None` for
            `hidden_dim / num_heads`. The original code has `frame_encoder_width / num_heads`.
        epsilon_placement, gains: of every `LayerNormalization`; `"outside"` and `"original"` as the
            original code.
        seed: seed of the dropout, of conditions too.
        remat: whether training computes the activations of the blocks again instead of keeping
            them (gradient checkpointing): less memory, the same numbers.

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
        attention: str = "full",
        frame_cond: int = 0,
        num_classes: int | None = None,
        action_shape: tuple[int, ...] | None = None,
        num_actions: int | None = None,
        action_conditioning: str = "clip",
        embedding_shape: tuple[int, int] | None = None,
        condition_dropout: float = 0.0,
        block_size: int = 32,
        num_local_blocks: int = 4,
        frame_encoder_depth: int = 34,
        frame_encoder_width: int = 512,
        relu_before_addition: bool = False,
        cross_value_dim: int | None = None,
        epsilon_placement: str = "inside",
        gains: str = "learned",
        seed: int | None = None,
        remat: bool = False,
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ):
        if not isinstance(tokenizer, VQVAE):
            raise ValueError(f"tokenizer must be a VQVAE; got {type(tokenizer).__name__}.")
        check_positive(num_layers=num_layers, num_heads=num_heads, hidden_dim=hidden_dim)
        if hidden_dim % num_heads:
            raise ValueError(
                f"num_heads must divide hidden_dim; got num_heads={num_heads} "
                f"and hidden_dim={hidden_dim}."
            )
        check_choice("attention", attention, ("full", "sparse"))
        check_choice("action_conditioning", action_conditioning, ("clip", "frame"))
        for name, rate in (("dropout", dropout), ("condition_dropout", condition_dropout)):
            if not 0 <= rate < 1:
                raise ValueError(f"{name} must be in [0, 1); got {rate}.")
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # === Layers ===
        tokenizer = frozen_copy(tokenizer)
        grid = tokenizer.codes_shape  # (t, h, w), or (t, h, w, G)
        length = math.prod(grid)
        conditions = conditions_of_model(
            tokenizer.video_shape,
            frame_cond,
            num_classes,
            action_shape,
            num_actions,
            embedding_shape,
            droppable=condition_dropout > 0,
            class_names=class_names,
        )
        if frame_cond:
            check_choice("frame_encoder_depth", frame_encoder_depth, (18, 34))
            check_positive(frame_encoder_width=frame_encoder_width)
        if action_conditioning == "frame" and action_shape is None:
            raise ValueError("action_conditioning='frame' needs an action_shape; got None.")
        by_frame = action_shape is not None and action_conditioning == "frame"
        condition_encoder = build_condition_encoder(
            conditions,
            dtype,
            width=frame_encoder_width if frame_cond else hidden_dim,
            latent_frames=grid[0] if by_frame else None,
            dropout=condition_dropout,
            seed=None if seed is None else seed + num_layers,
            depth=frame_encoder_depth,
            relu_before_addition=relu_before_addition,
        )
        norm_options: dict[str, Any] = {"epsilon_placement": epsilon_placement, "gains": gains}
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
                sparse_grid=grid if attention == "sparse" else None,
                block_size=block_size,
                num_local_blocks=num_local_blocks,
                cross_value_dim=cross_value_dim,
                **norm_options,
                remat=remat,
                seed=None if seed is None else seed + i,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(num_layers)
        ]
        norm = LayerNormalization(**norm_options, dtype=dtype, name="norm")
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
        condition_inputs = conditions.inputs()
        encoded = condition_encoder(condition_inputs) if condition_encoder else {}
        for block in blocks:
            x = block(x, **encoded)
        logits = to_float32(unembed(norm(x, encoded.get("condition"))))
        logits = keras.layers.Reshape(
            (*grid, tokenizer.num_codes), dtype="float32", name="logits_grid"
        )(logits)
        super().__init__(
            inputs={"codes": codes, **condition_inputs},
            outputs={"logits": logits, "codes": codes},
            dtype=dtype,
            **kwargs,
        )
        self.tokenizer = tokenizer
        self.condition_encoder = condition_encoder
        self.embed = embed
        self.start = start
        self.positions = positions
        self.blocks = blocks
        self.norm = norm
        self.unembed = unembed
        self.bits_per_code = keras.metrics.Mean(name="bits_per_code")

        # === Config ===
        #: Dtype policy of the layers; a functional model has none of its own.
        self.layers_policy: keras.DTypePolicy = dtype
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.feed_forward_ratio = feed_forward_ratio
        self.dropout = dropout
        self.attention = attention
        self.frame_cond = frame_cond
        self.num_classes = conditions.num_classes
        self.class_names = conditions.class_names or None
        self.action_shape = conditions.action_shape
        self.num_actions = num_actions
        self.action_conditioning = action_conditioning
        self.embedding_shape = conditions.embedding_shape
        self.condition_dropout = condition_dropout
        self.block_size = block_size
        self.num_local_blocks = num_local_blocks
        self.frame_encoder_depth = frame_encoder_depth
        self.frame_encoder_width = frame_encoder_width
        self.relu_before_addition = relu_before_addition
        self.cross_value_dim = cross_value_dim
        self.epsilon_placement = epsilon_placement
        self.gains = gains
        self.seed = seed
        self.remat = remat
        #: Shape of a clip's codes: `(t, h, w)`, or `(t, h, w, G)`.
        self.codes_shape = grid
        #: Codes of a clip, in the order they are predicted in.
        self.length = length
        #: What the prior is conditioned on.
        self.conditions = conditions
        #: Codes that share gains and biases, where each latent frame has its own; `None` if not.
        self.group_length = length // grid[0] if by_frame else None
        #: `"int8"` after `quantize`, `None` before.
        self.quantization: str | None = None
        # Keras wraps the method in a check of its own, of modes that are not taken here.
        del self.quantize

    @property
    def input_spec(self):
        # Video is accepted in the place of codes; `call` checks what it gets.
        return None

    @input_spec.setter
    def input_spec(self, value):
        pass

    def call(self, inputs, training=None, mask=None):
        batch = video_or_codes(inputs)
        conditions = self.conditions.of_batch(batch)
        return super().call({"codes": self._codes(batch), **conditions}, training=training)

    def _codes(self, batch):
        """The codes of a batch as `fit` yields it; video is tokenized."""
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
        return self.share_of_batch(loss + sum(self.losses))

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` unless the codes and conditions of a batch can be trained on."""
        batch = video_or_codes(batch)
        if "video" in batch:
            check_video(as_numpy(batch["video"]), self.tokenizer.video_shape, "video")
        if "codes" in batch:
            check_codes(as_numpy(batch["codes"]), self.codes_shape, self.tokenizer.num_codes)
        self.conditions.check(batch)

    def logits(
        self,
        codes: Tensor,
        frames: Tensor | None = None,
        labels: Tensor | None = None,
        actions: Tensor | None = None,
        embeddings: Tensor | None = None,
        embedding_mask: Tensor | None = None,
        batch_size: int = 8,
    ) -> np.ndarray:
        """Teacher-forced logits of every code given the ones before it.

        Args:
            codes: integers `(B, t, h, w)`, or `(B, t, h, w, G)`. A NumPy array is worked through in
                batches; a tensor goes through at once, inside a compiled function too.
            frames: uint8, or float in [-0.5, 0.5], `(B, F, H, W, C)`; for priors that take them.
            labels: integers or names of classes `(B,)`; for priors that take them.
            actions: floats `(B, T, A)`, or integers where they are discrete, `(B, T, A)` or
                `(B, T)`; for priors that take them.
            embeddings: floats `(B, L, D)`; for priors that take them.
            embedding_mask: bool `(B, L)`, `True` for embeddings that are there; `None` for all.
            batch_size: clips per batch of a NumPy array.

        Returns:
            float32 `(B, t, h, w[, G], num_codes)`: NumPy for NumPy, a tensor otherwise.

        Raises:
            ValueError: `codes` or a condition has another shape or dtype, or values out of range;
                or a condition is not taken, or missing (see `condition_dropout`).
        """
        codes = codes if ops.is_tensor(codes) else np.asarray(codes)
        check_codes(codes, self.codes_shape, self.tokenizer.num_codes)
        given = self.conditions.given if ops.is_tensor(codes) else self.conditions.given_arrays
        batch = given(
            ops.shape(codes)[0],
            embedding_mask,
            frames=frames,
            labels=labels,
            actions=actions,
            embeddings=embeddings,
        )
        if ops.is_tensor(codes):
            return self({"codes": codes, **batch}, training=False)["logits"]
        return in_batches(
            lambda batch: self.predict_on_batch(batch)["logits"],
            {"codes": codes.astype("int32"), **batch},
            batch_size,
        )

    def bits_per_dim(
        self,
        videos_or_codes: Tensor,
        frames: Tensor | None = None,
        labels: Tensor | None = None,
        actions: Tensor | None = None,
        embeddings: Tensor | None = None,
        embedding_mask: Tensor | None = None,
        batch_size: int = 8,
    ) -> np.ndarray:
        """Bits the prior needs for each code of a clip, on average.

        Args:
            videos_or_codes: videos `(B, T, H, W, C)`, uint8 or float in [-0.5, 0.5], or integer
                codes `(B, t, h, w[, G])`.
            frames: as in `logits`; videos bring their own.
            labels, actions, embeddings, embedding_mask: as in `logits`.
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

        if frames is None and self.frame_cond and is_video(array):
            frames = array[:, : self.frame_cond]
        conditions = self.conditions.given_arrays(
            len(codes),
            embedding_mask,
            frames=frames,
            labels=labels,
            actions=actions,
            embeddings=embeddings,
        )

        def bits(batch):
            losses = cross_entropy(self.predict_on_batch(batch)["logits"], batch["codes"])
            losses = ops.convert_to_numpy(losses)
            return losses.reshape(len(losses), -1).mean(axis=1) / math.log(2)

        batch = {"codes": codes.astype("int32"), **conditions}
        return in_batches(bits, batch, batch_size).astype("float32")

    def quantize(self, mode: str = "int8") -> None:
        """Makes the weights of the transformer's linear layers 8-bit integers, for inference.

        Every output of a layer has a scale, and weights are integers in [-127, 127] over it; what
        they are multiplied with is not rounded. The tokenizer and the encoders of conditions stay
        as they are, and so do norms, biases and position embeddings. The model is changed in place,
        and frozen: its optimizer is dropped. Its files have the integers, and load with them.

        Args:
            mode: `"int8"`.

        Raises:
            ValueError: another mode, the model is quantized, or it computes in float16.

        Example:
            >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
            >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32)
            >>> gpt.quantize("int8")
            >>> str(gpt.blocks[0].expand.kernel.dtype)
            'int8'

        Reference: arXiv 2208.07339, sections 2 ("absmax") and 3.1 (a scale for every column).
        """
        check_choice("mode", mode, ("int8",))
        if self.quantization is not None:
            raise ValueError(f"This VideoGPT is quantized already, to {self.quantization}.")
        if self.layers_policy.compute_dtype == "float16":
            raise ValueError(
                "Only a VideoGPT that computes in float32 or bfloat16 can be quantized; "
                f"got one with dtype {self.layers_policy.name!r}."
            )
        chosen = dense_layers([self.embed, *self.blocks, self.unembed])
        with quick_deletion():
            super().quantize(mode, config=INT8, filters=lambda layer: layer in chosen)
        self.quantization = mode
        self.trainable = False
        self.compiled, self.optimizer = False, None

    def fit(self, x=None, *args, **kwargs):
        """Trains the model, unless it is quantized; arguments as `keras.Model.fit`."""
        if self.quantization is not None:
            raise ValueError(
                f"A VideoGPT quantized to {self.quantization} can't be trained: quantize a copy, "
                "and train the model it was made of."
            )
        return super().fit(x, *args, **kwargs)

    def get_config(self):
        quantized = {} if self.quantization is None else {"quantization": self.quantization}
        return {
            **quantized,
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            **{name: getattr(self, name) for name in ARGUMENTS},
            "dtype": keras.saving.serialize_keras_object(self.layers_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        config = {**config, "tokenizer": tokenizer}
        quantization = config.pop("quantization", None)
        model = super().from_config(config)
        if quantization is not None:
            model.quantize(quantization)
        return model


def cross_entropy(logits: Tensor, codes: Tensor) -> Tensor:
    """Cross-entropy of every code in nats: logits `(..., K)`, codes `(...)`, to `(...)`."""
    return keras.losses.sparse_categorical_crossentropy(codes, logits, from_logits=True)
