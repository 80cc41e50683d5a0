"""Runs the steps of a prior, compiled as each backend does it best.

The mathematics is `step` and `draw` on all three. TensorFlow and JAX compile a run with XLA,
PyTorch runs a Python loop that writes into its cache.
"""

import weakref
from collections.abc import Callable

import keras
from keras import ops

from keras_videogpt.layers.slice_update import slice_update
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.draw import draw, filter_logits
from keras_videogpt.sampling.guidance import guided_logits, previous_codes
from keras_videogpt.sampling.step import step
from keras_videogpt.typing import Tensor

_COMPILED = weakref.WeakKeyDictionary()


def decode_run(
    model: VideoGPT,
    previous: Tensor,
    cache: list,
    context: dict,
    uniforms: Tensor,
    given: Tensor,
    first: Tensor,
    temperature: Tensor,
    top_p: Tensor | None,
    top_k: int | None = None,
) -> tuple:
    """Draws a run of consecutive codes, one `step` each.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype.
        previous: int32 `(B,)`, the code before position `first`; anything at position 0.
        cache: the model's cache, filled below `first`.
        context: what `encode_conditions` gives.
        uniforms: float32 `(steps, B)`.
        given: int32 `(steps, B)`: codes that are not drawn, and -1 for those that are.
        first: position of the first code; an integer, or a scalar tensor in a compiled function.
        temperature: scalar above 0.
        top_p: scalar in (0, 1], or `None`.
        top_k: integer, or `None`.

    Returns:
        int32 codes `(steps, B)`; what every block's `end_run` takes besides the cache: its run, and
        the place in it of the first position.
    """
    steps, batch = ops.shape(uniforms)  # in a graph, the batch may be a tensor
    guidance = context.get("guidance")
    begun = [
        block.attention.begin_run(arrays, first, steps)
        for block, arrays in zip(model.blocks, cache, strict=True)
    ]
    pasts, runs, starts = (list(part) for part in zip(*begun, strict=True))

    def body(i, state):
        previous, runs, codes = state
        places = [start + i for start in starts]
        sequences = previous_codes(previous, guidance)
        logits, runs = step(model, sequences, pasts, runs, places, first + i, context)
        logits = guided_logits(logits, guidance)
        code = draw(filter_logits(logits, temperature, top_k, top_p), uniforms[i])
        code = ops.where(given[i] < 0, code, given[i])
        return code, runs, slice_update(codes, code[None], i)

    state = (previous, runs, ops.zeros((steps, batch), "int32"))
    _, runs, codes = ops.fori_loop(0, steps, body, state)
    return codes, list(zip(runs, starts, strict=True))


def end_run(model: VideoGPT, cache: list, runs: list, first: Tensor, steps: int) -> list:
    """The cache with what `decode_run` left written to it."""
    return [
        block.attention.end_run(arrays, *run, first, steps)
        for block, arrays, run in zip(model.blocks, cache, runs, strict=True)
    ]


def compiled_decode_run(
    model: VideoGPT, batch_size: int, top_k: int | None = None, top_p: float | None = None
) -> Callable:
    """`decode_run` of a model, compiled once and used again.

    Args:
        model: a `VideoGPT`; its weights may change between calls.
        batch_size: of all calls.
        top_k: integer, or `None`.
        top_p: `None` if it will be in all calls, and a number if it won't; whichever.

    Returns:
        A function of `(previous, cache, context, uniforms, given, first, temperature, top_p)`.
    """
    functions = _COMPILED.setdefault(model, {})
    variant = _variant(model, batch_size, top_k, top_p)
    if variant not in functions:
        compile_steps = {
            "tensorflow": _compile_tensorflow,
            "jax": _compile_jax,
            "torch": _compile_torch,
        }[keras.backend.backend()]
        functions[variant] = compile_steps(weakref.proxy(model), top_k)
    return functions[variant]


def is_compiled(
    model: VideoGPT, batch_size: int, top_k: int | None = None, top_p: float | None = None
) -> bool:
    """Whether the next run of a model will not have to wait for a compiler."""
    variant = _variant(model, batch_size, top_k, top_p)
    return keras.backend.backend() == "torch" or variant in _COMPILED.get(model, {})


def _variant(model, batch_size, top_k, top_p):
    return model.quantization, batch_size, top_k, top_p is None


def _compile_tensorflow(model, top_k):
    import tensorflow as tf

    @tf.function(jit_compile=True, autograph=False)
    def graph(*arguments):
        return decode_run(model, *arguments, top_k)

    def run(previous, cache, context, uniforms, given, first, temperature, top_p):
        position = tf.constant(first, "int32")
        temperature = tf.constant(temperature, "float32")
        top_p = None if top_p is None else tf.constant(top_p, "float32")
        codes, runs = graph(previous, cache, context, uniforms, given, position, temperature, top_p)
        # Outside of the graph, and block by block: at most one block's cache is there twice.
        for index, block in enumerate(model.blocks):
            cache[index] = block.attention.end_run(cache[index], *runs[index], first, len(uniforms))
        return codes, cache

    return run


def _compile_jax(model, top_k):
    import jax

    def stateless(values, previous, cache, context, uniforms, given, first, *controls):
        # Weights are arguments: as constants they would be compiled into the program.
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
            codes, runs = decode_run(
                model, previous, cache, context, uniforms, given, first, *controls, top_k
            )
            return codes, end_run(model, cache, runs, first, len(uniforms))

    jitted = jax.jit(stateless, donate_argnums=2)

    def run(*arguments):
        return jitted([variable.value for variable in model.variables], *arguments)

    return run


def _compile_torch(model, top_k):
    import torch

    def run(previous, cache, context, uniforms, given, first, *controls):
        with torch.inference_mode():
            codes, runs = decode_run(
                model, previous, cache, context, uniforms, given, first, *controls, top_k
            )
            return codes, end_run(model, cache, runs, first, len(uniforms))

    return run
