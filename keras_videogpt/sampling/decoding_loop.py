"""Runs the steps of a prior, compiled as each backend does it best.

The mathematics is `step` and `draw` on all three. TensorFlow runs a graph, JAX a jitted
function whose cache is donated, PyTorch a Python loop that writes into its cache.
"""

import weakref

import keras
from keras import ops

from keras_videogpt.sampling.draw import draw, filter_logits
from keras_videogpt.sampling.step import step

_COMPILED = weakref.WeakKeyDictionary()


def decode_steps(model, previous, cache, context, uniforms, first, temperature, top_p, top_k=None):
    """Draws consecutive codes, one `step` each.

    Args:
        model: a `VideoGPT`.
        previous: int32 `(B,)`, the code before position `first`; anything at position 0.
        cache: the model's cache, filled below `first`.
        context: what `encode_conditions` gives.
        uniforms: float32 `(steps, B)`.
        first: position of the first code; integer or scalar tensor.
        temperature: scalar above 0.
        top_p: scalar in (0, 1], or `None`.
        top_k: integer, or `None`.

    Returns:
        int32 codes `(steps, B)`, and the cache filled behind them.
    """

    def body(i, state):
        previous, cache, codes = state
        logits, cache = step(model, previous, cache, first + i, context)
        code = draw(filter_logits(logits, temperature, top_k, top_p), uniforms[i])
        return code, cache, ops.slice_update(codes, (i, 0), code[None])

    codes = ops.zeros(uniforms.shape, "int32")
    state = (previous, cache, codes)
    _, cache, codes = ops.fori_loop(0, uniforms.shape[0], body, state)
    return codes, cache


def compiled_decode_steps(model, top_k: int | None = None):
    """`decode_steps` of a model, compiled once and used again.

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


def _compile_tensorflow(model, top_k):
    import tensorflow as tf

    @tf.function
    def graph(previous, cache, *arguments):
        return decode_steps(model, previous, cache, *arguments, top_k)

    def run(previous, cache, context, uniforms, first, temperature, top_p):
        first = tf.constant(first, "int32")
        temperature = tf.constant(temperature, "float32")
        top_p = None if top_p is None else tf.constant(top_p, "float32")
        return graph(previous, cache, context, uniforms, first, temperature, top_p)

    return run


def _compile_jax(model, top_k):
    import jax

    def stateless(values, previous, cache, *arguments):
        # Weights are arguments: as constants they would be compiled into the program.
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
            return decode_steps(model, previous, cache, *arguments, top_k)

    jitted = jax.jit(stateless, donate_argnums=2)

    def run(*arguments):
        return jitted([variable.value for variable in model.variables], *arguments)

    return run


def _compile_torch(model, top_k):
    import torch

    def run(*arguments):
        with torch.inference_mode():
            return decode_steps(model, *arguments, top_k)

    return run
