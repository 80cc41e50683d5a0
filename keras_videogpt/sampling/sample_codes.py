from collections.abc import Callable

import numpy as np
from keras import ops

from keras_videogpt.backend import without_gradients
from keras_videogpt.layers.packed_linear import packed
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.cache import empty_cache, grow, run_length
from keras_videogpt.sampling.decoding_loop import compiled_decode_run
from keras_videogpt.sampling.prefill import prefill
from keras_videogpt.sampling.step import encode_conditions


def sample_codes(
    model: VideoGPT,
    uniforms: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    prefix: np.ndarray | None = None,
    context: dict | None = None,
    on_progress: Callable[[int], None] = lambda steps: None,
) -> np.ndarray:
    """Samples one batch of codes, a run of them per compiled call.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype; see `decoding_model`.
        uniforms: float32 `(L, B)` in [0, 1): the random number behind every code.
        temperature, top_k, top_p: as in `sample`.
        prefix: int32 `(B, P)`, the first codes, in the order they are predicted in; P < L.
        context: what `encode_conditions` gives; needed where the prior is conditioned.
        on_progress: called with the number of steps, one code of every clip, since the last call.

    Returns:
        int32 codes `(B, t, h, w)`, or `(B, t, h, w, G)`.
    """
    length, batch = uniforms.shape
    prefix = np.zeros((batch, 0), "int32") if prefix is None else prefix
    run = run_length(model)
    start = prefix.shape[1] // run * run
    given = np.full((length, batch), -1, "int32")
    given[: prefix.shape[1]] = prefix.T
    decode = compiled_decode_run(model, batch, top_k, top_p)
    context = encode_conditions(model) if context is None else context
    # With guidance, every clip is two sequences of the same codes.
    copies = 2 if "guidance" in context else 1
    cache = empty_cache(model, copies * batch)
    if start:
        with without_gradients():
            prefill(model, np.tile(prefix[:, :start], (copies, 1)), cache, context)
    previous = ops.convert_to_tensor(given[start - 1] if start else np.zeros(batch, "int32"))
    rows = [ops.convert_to_tensor(given[:start])]
    with packed([model.embed, *model.blocks, model.unembed], copies * batch):
        for first in range(start, length, run):
            grow(model, cache, first + run)
            numbers, known = (
                ops.convert_to_tensor(array[first : first + run]) for array in (uniforms, given)
            )
            drawn, cache = decode(
                previous, cache, context, numbers, known, first, temperature, top_p
            )
            previous = drawn[-1]
            rows.append(drawn)
            on_progress(min(run, first + run - prefix.shape[1]))
    codes = ops.convert_to_numpy(ops.concatenate(rows, axis=0)).T
    return np.ascontiguousarray(codes).reshape(batch, *model.codes_shape)
