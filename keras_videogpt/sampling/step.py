"""One step of a prior's decoding: the same mathematics as the model's, a position at a time."""

from typing import Any

import keras
from keras import ops

from keras_videogpt.layers.step_operations import cast, linear, normalize
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.guidance import with_and_without
from keras_videogpt.typing import Tensor


def encode_conditions(
    model: VideoGPT,
    count: int | None = None,
    encoder: VideoGPT | None = None,
    guidance: float = 1.0,
    **conditions: Any,
) -> dict:
    """What `step` needs of positions and of the conditions of a batch of clips; computed once.

    Args:
        model: the `VideoGPT` to decode with.
        count: number of clips of the batch; `None` to take it from their conditions.
        encoder: the `VideoGPT` that encodes conditions, if it is another, of higher precision.
        guidance: as in `sample`.
        **conditions: as in `sample`, for every clip of the batch; NumPy arrays.

    Returns:
        Tensors by use; `guidance` is among them if it is not 1, and then there are two sequences of
        every clip.
    """
    given = [len(array) for array in conditions.values() if array is not None]
    batch = model.conditions.given(count or (given or [0])[0], **conditions)
    if guidance != 1:
        batch = with_and_without(batch)
    condition_encoder: Any = (encoder or model).condition_encoder
    return step_context(model, condition_encoder.predict_on_batch(batch) if batch else {}, guidance)


def step_context(model: VideoGPT, encoded: dict, guidance: float = 1.0) -> dict:
    """What `step` needs of positions, and of conditions that are encoded.

    Args:
        model: the `VideoGPT` to decode with.
        encoded: what a condition encoder gives; empty without conditions.
        guidance: as in `sample`; unless it is 1, `encoded` is of two sequences of every clip.

    Returns:
        As `encode_conditions`.
    """
    if "memory" in encoded:
        dtype = model.layers_policy.compute_dtype
        encoded = {**encoded, "memory": ops.cast(encoded["memory"], dtype)}
    encoded = {name: ops.convert_to_tensor(array) for name, array in encoded.items()}
    context = {"positions": ops.reshape(model.positions.table(), (model.length, model.hidden_dim))}
    context |= {"blocks": [block.context(**encoded) for block in model.blocks]}
    context["norm"] = model.norm.step_gain_and_bias(encoded.get("condition"))
    if guidance != 1:
        context["guidance"] = ops.convert_to_tensor(guidance, "float32")
    return keras.tree.map_structure(ops.stop_gradient, context)


def step(
    model: VideoGPT,
    previous: Tensor,
    pasts: list,
    runs: list,
    places: list,
    position: Tensor,
    context: dict,
) -> tuple:
    """Logits of one code, given the code before it, what is before its run, and the conditions.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype.
        previous: int32 `(B,)`, the code before; ignored at the first position of all.
        pasts, runs, places: of every block's self-attention, as its `step` takes them.
        position: of the code; an integer, or a scalar tensor in a compiled function.
        context: as `encode_conditions` gives.

    Returns:
        float32 logits `(B, num_codes)`, and `runs` with the position in them.
    """
    books = model.tokenizer.num_codebooks
    vectors = model.tokenizer.quantizer.lookup_in_book(previous, (position - 1) % books)
    x = linear(model.embed, cast(vectors, model.layers_policy.compute_dtype))
    start = ops.cast(ops.convert_to_tensor(model.start.vector), x.dtype)
    x = ops.where(ops.equal(position, 0), start, x)
    x = x + ops.cast(ops.take(context["positions"], position, axis=0), x.dtype)
    group = None if model.group_length is None else position // model.group_length
    updated = []
    for block, past, run, place, block_context in zip(
        model.blocks, pasts, runs, places, context["blocks"], strict=True
    ):
        x, run = block.step(x, past, run, place, block_context, group)
        updated.append(run)
    gain, bias = context["norm"]
    x = normalize(model.norm, x, gain, bias, group)
    return cast(linear(model.unembed, x), "float32"), updated
