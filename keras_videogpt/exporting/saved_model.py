"""Models as TensorFlow SavedModels: plain graphs, which need neither this package nor Python.

A file for TensorFlow alone.
"""

import os

import tensorflow as tf

from keras_videogpt.exporting.served_functions import sampling_functions, tokenizer_functions
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.sampling.controls import check_controls
from keras_videogpt.sampling.decoding_model import decoding_model
from keras_videogpt.sampling.guidance import check_guidance


def export_saved_model(
    model: VQVAE | VideoGPT,
    folder: str | os.PathLike,
    top_k: int | None = None,
    top_p: float | None = None,
    guidance: float = 1.0,
    jit_compile: bool = False,
) -> None:
    """Writes a SavedModel whose signatures take any number of clips.

    `encode` takes `video`, uint8 `(B, T, H, W, C)`, and gives `codes`, int32 `(B, t, h, w[, G])`.
    `decode` takes `codes` and gives `video`, float32 with nominal range [-0.5, 0.5]. `reconstruct`
    does one after the other.

    Of a prior, `sample` takes scalars, `n` int32, `seed` int64, `temperature` float32, and what it
    is conditioned on, of n clips, by the names of `keras_videogpt.sample` (`frames` are uint8). It
    gives `video`, uint8 `(n, T, H, W, C)`, and `codes`. `sample_unconditional` takes the scalars
    alone; it is there if the prior was trained with `condition_dropout`.

    A seed gives the clips that `keras_videogpt.sample` gives, and a temperature of 0 the likeliest
    code each time. What is out of range is an `InvalidArgumentError` that names the input.

    Args:
        model: the model, on the backend tensorflow.
        folder: a new folder.
        top_k, top_p, guidance: of sampling, as in `sample`; fixed in the graph.
        jit_compile: whether XLA compiles the sampling loop, for every `n` when it first comes:
            several times faster from then on, where the server has XLA.

    Raises:
        ValueError: a control of sampling is out of range.

    Example:
        >>> import keras_videogpt as kvg
        >>> vqvae = kvg.VQVAE((4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> export_saved_model(vqvae, "served")
        >>> served = tf.saved_model.load("served")
        >>> served.encode(tf.zeros((5, 4, 16, 16, 3), tf.uint8))["codes"].shape
        (5, 2, 8, 8)
    """
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    exported = tf.Module()
    # Only variables that hang on the module are saved.
    exported.weights = [variable.value for variable in model.variables]
    functions = tokenizer_functions(tokenizer)
    default = "reconstruct"
    if isinstance(model, VideoGPT):
        check_controls(1.0, top_k, top_p, tokenizer.num_codes)
        check_guidance(model, guidance)
        decoder = decoding_model(model)
        exported.decoder_weights = [variable.value for variable in decoder.variables]
        controls = {"top_k": top_k, "top_p": top_p, "guidance": guidance}
        functions |= sampling_functions(model, decoder, **controls, jit_compile=jit_compile)
        default = "sample"
    for name, function in functions.items():
        setattr(exported, name, function)
    signatures = {name: f.get_concrete_function() for name, f in functions.items()}
    signatures["serving_default"] = signatures[default]
    tf.saved_model.save(exported, os.fspath(folder), signatures)
