"""Runs the steps of a prior, compiled as each backend does it best.

The mathematics is `step` and `draw` on all three. TensorFlow runs a graph, JAX a jitted
function whose cache is donated, PyTorch a Python loop that writes into its cache.
"""

import weakref

import keras
from keras import ops

from keras_videogpt.layers.key_value_cache import write_run
from keras_videogpt.sampling.cache import empty_runs, segment_length
from keras_videogpt.sampling.draw import draw, filter_logits
from keras_videogpt.sampling.step import step

_COMPILED = weakref.WeakKeyDictionary()


def decode_run(
    model, previous, cache, context, uniforms, first, temperature, top_p, top_k=None, segment=0
):
    """Draws a run of consecutive codes, one `step` each.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype.
        previous: int32 `(B,)`, the code before position `first`; anything at position 0.
        cache: the model's cache, filled below `first`.
        context: what `encode_conditions` gives.
        uniforms: float32 `(steps, B)`.
        first: position of the first code; integer or scalar tensor.
        temperature: scalar above 0.
        top_p: scalar in (0, 1], or `None`.
        top_k: integer, or `None`.
        segment: the segment of the cache that the run is in, an integer.

    Returns:
        int32 codes `(steps, B)`, and the cache filled behind them.
    """
    steps, batch = uniforms.shape
    attentions = [block.attention for block in model.blocks]
    pasts = [
        attention.past(entries, first, segment)
        for attention, entries in zip(attentions, cache, strict=True)
    ]

    def body(i, state):
        previous, runs, codes = state
        logits, runs = step(model, previous, pasts, runs, first, i, context)
        code = draw(filter_logits(logits, temperature, top_k, top_p), uniforms[i])
        return code, runs, ops.slice_update(codes, (i, 0), code[None])

    state = (previous, empty_runs(model, batch, steps), ops.zeros((steps, batch), "int32"))
    _, runs, codes = ops.fori_loop(0, steps, body, state)
    written = [
        write_run(entries, run, first, segment) for entries, run in zip(cache, runs, strict=True)
    ]
    return codes, written


def compiled_decode_run(model, top_k: int | None = None):
    """`decode_run` of a model, compiled once and used again.

    Args:
        model: a `VideoGPT`; its weights may change between calls.
        top_k: integer, or `None`.

    Returns:
        A function of `(previous, cache, context, uniforms, first, temperature, top_p)`.
    """
    functions = _COMPILED.setdefault(model, {})
    if top_k not in functions:
        compile_steps = {
            "tensorflow": _compile_tensorflow,
            "jax": _compile_jax,
            "torch": _compile_torch,
        }[keras.backend.backend()]
        functions[top_k] = compile_steps(weakref.proxy(model), top_k)
    return functions[top_k]


def is_compiled(model, top_k: int | None = None) -> bool:
    """Whether the next run of a model will not have to wait for a compiler."""
    return keras.backend.backend() == "torch" or top_k in _COMPILED.get(model, {})


def _compile_tensorflow(model, top_k):
    import tensorflow as tf

    @tf.function
    def graph(segment, *arguments):
        codes, _ = decode_run(model, *arguments, top_k, segment)
        return codes

    def run(previous, cache, context, uniforms, first, temperature, top_p):
        segment = first // segment_length(model)
        first = tf.constant(first, "int32")
        temperature = tf.constant(temperature, "float32")
        top_p = None if top_p is None else tf.constant(top_p, "float32")
        # The cache is variables, written in place.
        codes = graph(segment, previous, cache, context, uniforms, first, temperature, top_p)
        return codes, cache

    return run


def _compile_jax(model, top_k):
    import jax

    def stateless(segment, values, previous, cache, *arguments):
        # Weights are arguments: as constants they would be compiled into the program.
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
            return decode_run(model, previous, cache, *arguments, top_k, segment)

    jitted = jax.jit(stateless, static_argnums=0, donate_argnums=3)

    def run(previous, cache, context, uniforms, first, *controls):
        segment = first // segment_length(model)
        values = [variable.value for variable in model.variables]
        return jitted(segment, values, previous, cache, context, uniforms, first, *controls)

    return run


def _compile_torch(model, top_k):
    import torch

    def run(previous, cache, context, uniforms, first, *controls):
        segment = first // segment_length(model)
        with torch.inference_mode():
            return decode_run(
                model, previous, cache, context, uniforms, first, *controls, top_k, segment
            )

    return run
