"""Discrete-token video models in Keras 3: VQ-VAE tokenizers, autoregressive priors, sampling."""

from keras_videogpt.backend import choose_backend

choose_backend()

from keras_videogpt import convert, data, layers, metrics, presets, tokens  # noqa: E402
from keras_videogpt.exporting.export import export  # noqa: E402
from keras_videogpt.models.load import load  # noqa: E402
from keras_videogpt.models.videogpt import VideoGPT  # noqa: E402
from keras_videogpt.models.vqvae import VQVAE  # noqa: E402
from keras_videogpt.quantizers.vector_quantizer import EMAVectorQuantizer  # noqa: E402
from keras_videogpt.sampling.sample import sample  # noqa: E402
from keras_videogpt.sampling.sample_batches import sample_batches  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "EMAVectorQuantizer",
    "VQVAE",
    "VideoGPT",
    "convert",
    "data",
    "export",
    "layers",
    "load",
    "metrics",
    "presets",
    "sample",
    "sample_batches",
    "tokens",
]
