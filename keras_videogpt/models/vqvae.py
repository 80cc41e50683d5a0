from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_videogpt.data.pixel_variance import pixel_variance
from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.metrics.codebook import CodebookPerplexity, CodesUsed
from keras_videogpt.models.batches import as_numpy, field, first_batches, in_batches
from keras_videogpt.models.checks import (
    check_codes,
    check_downsample,
    check_positive,
    check_video,
)
from keras_videogpt.models.decoder import build_decoder
from keras_videogpt.models.encoder import build_encoder
from keras_videogpt.models.video_model import VideoModel
from keras_videogpt.quantizers.codebook_lookup import CodebookLookup
from keras_videogpt.quantizers.vector_quantizer import EMAVectorQuantizer
from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class VQVAE(VideoModel):
    """A video tokenizer: turns clips into a grid of discrete codes, and back.

    Called on video it returns a dictionary: `reconstruction` (float32, shape of the video, nominal
    range [-0.5, 0.5]), `codes` (int32 `(B, t, h, w)`, with a last axis G if `num_codebooks` > 1)
    and `commitment` (float32 `(B,)`). `fit` takes a dataset of dictionaries with the key `video`,
    or of bare videos: uint8, or float in [-0.5, 0.5].

    Args:
        video_shape: `(T, H, W, C)` of a clip.
        downsample: how much smaller the grid of codes is along time, height and width; each a power
            of two (1 included) that divides its axis.
        num_codes: codes per codebook.
        code_dim: channels of a code.
        num_codebooks: number of codebooks G; each quantizes its own slice of the channels.
        hidden_units: channels of the feature maps.
        residual_units: channels inside the residual blocks; `None` is half of `hidden_units`.
        num_residual_layers: residual blocks in the encoder, and again in the decoder.
        axial_attention: whether residual blocks end in axial attention.
        axial_positions: whether learned positions, shared by all blocks, precede the attention.
        num_heads: heads of the axial attention.
        extra_padding: side of the encoder's odd zeros, `"after"`, or `"before"` as the original
            code; see `keras_videogpt.layers.PaddedConv3D`.
        norm: `"batch"`, `"layer"` or `"group"`; see `keras_videogpt.layers.normalization`.
        commitment_cost: weight of the commitment loss.
        data_variance: what the reconstruction error is divided by: the variance of the training
            pixels on the scale [0, 1]. `None` measures it when `fit` is first called; the original
            code has 0.06 for every data set.
        ema_decay: decay of the codebook's moving averages.
        restart_threshold: codes whose moving count falls below it restart; 0 turns restarts off.
        seed: seed of the codebook's initialisation and restarts.
        remat: whether training computes the activations of the residual blocks again instead of
            keeping them (gradient checkpointing): less memory, the same numbers.

    Raises:
        ValueError: an argument is out of range; the message lists what is accepted.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> vqvae.compile(optimizer="adam")
        >>> videos = np.random.default_rng(0).integers(0, 256, (4, 4, 16, 16, 3), "uint8")
        >>> history = vqvae.fit(videos, batch_size=2, verbose=0)
        >>> vqvae.encode(videos).shape
        (4, 2, 8, 8)

    Reference: arXiv 2104.10157, section 3 and table 8.
    """

    def __init__(
        self,
        video_shape: Sequence[int] = (16, 64, 64, 3),
        downsample: Sequence[int] = (2, 2, 2),
        num_codes: int = 1024,
        code_dim: int = 256,
        num_codebooks: int = 1,
        hidden_units: int = 240,
        residual_units: int | None = None,
        num_residual_layers: int = 4,
        axial_attention: bool = True,
        axial_positions: bool = True,
        num_heads: int = 2,
        extra_padding: str = "after",
        norm: str = "batch",
        commitment_cost: float = 0.25,
        data_variance: float | None = None,
        ema_decay: float = 0.99,
        restart_threshold: float = 1.0,
        seed: int | None = None,
        remat: bool = False,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs: Any,
    ):
        video_shape, downsample = check_downsample(video_shape, downsample)
        check_positive(
            num_codes=num_codes,
            code_dim=code_dim,
            num_codebooks=num_codebooks,
            hidden_units=hidden_units,
            num_residual_layers=num_residual_layers,
            num_heads=num_heads,
        )
        if data_variance is not None and not data_variance > 0:
            raise ValueError(f"data_variance must be positive or None; got {data_variance}.")
        if axial_attention and hidden_units % num_heads:
            raise ValueError(
                f"num_heads must divide hidden_units; got num_heads={num_heads} "
                f"and hidden_units={hidden_units}."
            )
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        residual_units = residual_units or max(hidden_units // 2, 1)

        # === Layers ===
        latent_shape = tuple(s // d for s, d in zip(video_shape, downsample, strict=False))
        positions = None
        if axial_attention and axial_positions:
            positions = PositionEmbedding(dtype=dtype, name="axial_positions")
        stack_options = {
            "num_layers": num_residual_layers,
            "residual_units": residual_units,
            "axial_attention": axial_attention,
            "num_heads": num_heads,
            "norm": norm,
            "positions": positions,
            "remat": remat,
        }
        encoder = build_encoder(
            video_shape, downsample, hidden_units, extra_padding, dtype, **stack_options
        )
        decoder = build_decoder(
            latent_shape, downsample, hidden_units, video_shape[-1], dtype, **stack_options
        )
        pre_quantization = keras.layers.Conv3D(
            num_codebooks * code_dim, 1, dtype=dtype, name="pre_quantization"
        )
        quantizer = EMAVectorQuantizer(
            num_codes,
            code_dim,
            num_codebooks,
            decay=ema_decay,
            restart_threshold=restart_threshold,
            seed=seed,
            dtype=dtype,
            name="quantizer",
        )
        post_quantization = keras.layers.Conv3D(
            hidden_units, 1, dtype=dtype, name="post_quantization"
        )

        # === Functional model ===
        video = keras.Input(video_shape, name="video")
        quantized, codes, commitment = quantizer(pre_quantization(encoder(video)))
        reconstruction = decoder(post_quantization(quantized))
        outputs = {"reconstruction": reconstruction, "codes": codes, "commitment": commitment}
        super().__init__(inputs=video, outputs=outputs, dtype=dtype, **kwargs)

        grid = keras.Input(codes.shape[1:], dtype="int32", name="codes")
        vectors = CodebookLookup(quantizer, dtype=dtype, name="codebook_lookup")(grid)
        self.code_encoder = keras.Model(video, codes, name="code_encoder")
        self.code_decoder = keras.Model(
            grid, decoder(post_quantization(vectors)), name="code_decoder"
        )
        self.encoder = encoder
        self.decoder = decoder
        self.quantizer = quantizer
        # 0 until it is set or measured.
        self.measured_variance = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(data_variance or 0.0),
            trainable=False,
            autocast=False,
            dtype="float32",
            name="data_variance",
        )
        self.reconstruction_loss = keras.metrics.Mean(name="reconstruction_loss")
        self.commitment_loss = keras.metrics.Mean(name="commitment_loss")
        self.perplexity = CodebookPerplexity(num_codes, num_codebooks)
        self.codes_used = CodesUsed(num_codes, num_codebooks)

        # === Config ===
        #: Dtype policy of the layers; a functional model has none of its own.
        self.layers_policy: keras.DTypePolicy = dtype
        self.video_shape = video_shape
        self.downsample = downsample
        self.num_codes = num_codes
        self.code_dim = code_dim
        self.num_codebooks = num_codebooks
        self.hidden_units = hidden_units
        self.residual_units = residual_units
        self.num_residual_layers = num_residual_layers
        self.axial_attention = axial_attention
        self.axial_positions = axial_positions
        self.num_heads = num_heads
        self.extra_padding = extra_padding
        self.norm = norm
        self.commitment_cost = commitment_cost
        self.data_variance = data_variance
        self.ema_decay = ema_decay
        self.restart_threshold = restart_threshold
        self.seed = seed
        self.remat = remat
        #: Shape of a clip's codes: `(t, h, w)`, or `(t, h, w, G)`.
        self.codes_shape = tuple(codes.shape[1:])

    def call(self, inputs, training=None, mask=None):
        video = field(inputs, "video")
        check_video(video, self.video_shape, "video")
        return super().call(normalize_pixels(video), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Reconstruction error over the data's variance, plus the weighted commitment loss."""
        self.refuse_targets(y, sample_weight)
        video = ops.cast(normalize_pixels(field(x, "video")), "float32")
        error = ops.mean(ops.square(video - y_pred["reconstruction"]))
        reconstruction_loss = error / ops.convert_to_tensor(self.measured_variance)
        commitment_loss = self.commitment_cost * ops.mean(y_pred["commitment"])
        self.reconstruction_loss.update_state(reconstruction_loss)
        self.commitment_loss.update_state(commitment_loss)
        self.perplexity.update_state(y_pred["codes"])
        self.codes_used.update_state(y_pred["codes"])
        return self.share_of_batch(reconstruction_loss + commitment_loss + sum(self.losses))

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` unless the videos of a batch can be trained on."""
        check_video(as_numpy(field(batch, "video")), self.video_shape, "video")

    def check_data(self, x: Any) -> None:
        """Checks the data, and measures its variance if that is still to be done."""
        super().check_data(x)
        if float(ops.convert_to_numpy(self.measured_variance)) > 0:
            return
        if isinstance(x, Iterator):
            raise ValueError(
                "data_variance=None is measured on the data, and a generator can be read only "
                "once. Pass data_variance (the original code has 0.06), or a dataset."
            )
        self.measure_variance(x)

    def measure_variance(self, x: Any, num_batches: int = 64) -> float:
        """Sets the data's variance, which the reconstruction error is divided by, from data.

        Args:
            x: what `fit` takes.
            num_batches: most batches to read.

        Returns:
            The variance of the pixels on the scale [0, 1].

        Example:
            >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
            >>> videos = np.zeros((2, 4, 16, 16, 3), "uint8")
            >>> videos[0] = 255
            >>> vqvae.measure_variance(videos)
            0.25
        """
        batches = first_batches(x, num_batches)
        variance = pixel_variance(as_numpy(field(batch, "video")) for batch in batches)
        self.measured_variance.assign(variance)
        return variance

    def encode(self, videos: Tensor, batch_size: int = 8) -> Tensor:
        """Turns clips into codes.

        Args:
            videos: uint8, or float in [-0.5, 0.5], `(B, T, H, W, C)`. A NumPy array is worked
                through in batches; a tensor goes through at once, inside a compiled function too.
            batch_size: clips per batch of a NumPy array.

        Returns:
            int32 codes `(B, t, h, w)`, or `(B, t, h, w, G)`: NumPy for NumPy, a tensor otherwise.

        Raises:
            ValueError: `videos` has another shape or dtype, or floats out of range.
        """
        if not ops.is_tensor(videos):
            videos = np.asarray(videos)
            check_video(videos, self.video_shape)
            return in_batches(
                lambda batch: self.code_encoder.predict_on_batch(normalize_pixels(batch)),
                videos,
                batch_size,
            )
        check_video(videos, self.video_shape)
        return self.code_encoder(normalize_pixels(videos), training=False)

    def decode(self, codes: Tensor, batch_size: int = 8) -> Tensor:
        """Turns codes into clips.

        Args:
            codes: integers `(B, t, h, w)`, or `(B, t, h, w, G)`, below `num_codes`; array or tensor
                as in `encode`.
            batch_size: clips per batch of a NumPy array.

        Returns:
            float32 videos `(B, T, H, W, C)`, nominal range [-0.5, 0.5].

        Raises:
            ValueError: `codes` has another shape or dtype, or values out of range.
        """
        if not ops.is_tensor(codes):
            codes = np.asarray(codes)
            check_codes(codes, self.codes_shape, self.num_codes)
            return in_batches(self.code_decoder.predict_on_batch, codes.astype("int32"), batch_size)
        check_codes(codes, self.codes_shape, self.num_codes)
        return self.code_decoder(codes, training=False)

    def get_config(self):
        return {
            "video_shape": self.video_shape,
            "downsample": self.downsample,
            "num_codes": self.num_codes,
            "code_dim": self.code_dim,
            "num_codebooks": self.num_codebooks,
            "hidden_units": self.hidden_units,
            "residual_units": self.residual_units,
            "num_residual_layers": self.num_residual_layers,
            "axial_attention": self.axial_attention,
            "axial_positions": self.axial_positions,
            "num_heads": self.num_heads,
            "extra_padding": self.extra_padding,
            "norm": self.norm,
            "commitment_cost": self.commitment_cost,
            "data_variance": self.data_variance,
            "ema_decay": self.ema_decay,
            "restart_threshold": self.restart_threshold,
            "seed": self.seed,
            "remat": self.remat,
            "dtype": keras.saving.serialize_keras_object(self.layers_policy),
            "name": self.name,
            "trainable": self.trainable,
        }
