"""The whole decoding loop of a prior as one TensorFlow graph, of any number of clips.

A file for TensorFlow alone. The mathematics of a run is that of `sampling.decoding_loop`.
"""

import contextlib
from typing import Any

import tensorflow as tf

from keras_videogpt.exporting.philox import uniform_numbers
from keras_videogpt.layers.slice_update import plain_operations
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.cache import run_length
from keras_videogpt.sampling.decoding_loop import decode_run, end_run
from keras_videogpt.sampling.guidance import with_and_without
from keras_videogpt.sampling.step import step_context

# Below it only the likeliest code can be drawn; a temperature of 0 means that.
LEAST_TEMPERATURE = 1e-30


def sample_codes(
    decoder: VideoGPT,
    encoder: VideoGPT,
    n: tf.Tensor,
    seed: tf.Tensor,
    temperature: tf.Tensor,
    conditions: dict[str, tf.Tensor],
    top_k: int | None = None,
    top_p: float | None = None,
    guidance: float = 1.0,
    jit_compile: bool = False,
) -> tf.Tensor:
    """Samples codes inside a graph, the same ones as `keras_videogpt.sample`.

    Args:
        decoder: the model to decode with, of one dtype; see `decoding_model`.
        encoder: the model that encodes conditions.
        n: int32 scalar, number of clips.
        seed: int64 scalar, 0 or more.
        temperature: float32 scalar; 0 for the likeliest code each time.
        conditions: by argument of `sample`; those that the prior is to go without are left out.
        top_k, top_p, guidance: as in `sample`.
        jit_compile: whether XLA compiles the loop, for every `n` when it is first sampled.

    Returns:
        int32 `(n, t, h, w[, G])`.
    """
    batch = decoder.conditions.given(n, **conditions)
    if guidance != 1:
        batch = with_and_without(batch)
    condition_encoder: Any = encoder.condition_encoder
    encoded = condition_encoder(batch, training=False) if batch else {}
    context = step_context(decoder, encoded, guidance)
    sequences = n if guidance == 1 else 2 * n
    temperature = tf.maximum(temperature, LEAST_TEMPERATURE)
    run = run_length(decoder)
    runs = decoder.length // run
    uniforms = tf.reshape(uniform_numbers(seed, n, decoder.length), (runs, run, -1))
    cache = [block.attention.empty_cache(sequences, decoder.length) for block in decoder.blocks]

    top_p = None if top_p is None else tf.constant(top_p, tf.float32)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def draw_run(previous, cache, uniforms, first):
        given = tf.fill(tf.shape(uniforms), -1)
        codes, ran = decode_run(
            decoder,
            previous,
            cache,
            context,
            uniforms,
            given,
            first,
            temperature,
            top_p,
            top_k,
        )
        return codes, end_run(decoder, cache, ran, first, run)

    def body(index, previous, cache, drawn):
        codes, cache = draw_run(previous, cache, uniforms[index], index * run)
        return index + 1, codes[-1], cache, drawn.write(index, codes)

    state = (0, tf.zeros((n,), tf.int32), cache, tf.TensorArray(tf.int32, runs))
    with contextlib.nullcontext() if jit_compile else plain_operations():
        *_, drawn = tf.while_loop(lambda index, *_: index < runs, body, state)
    codes = tf.reshape(drawn.stack(), (decoder.length, -1))  # (L, n)
    return tf.reshape(tf.transpose(codes), (-1, *decoder.codes_shape))
