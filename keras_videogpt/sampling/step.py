"""One step of a prior's decoding: the same mathematics as the model's, a position at a time."""

import keras
from keras import ops

from keras_videogpt.layers.step_operations import cast, linear, normalize
from keras_videogpt.models.videogpt import VideoGPT


def encode_conditions(
    model: VideoGPT, frames=None, labels=None, actions=None, encoder: VideoGPT | None = None
) -> dict:
    """What `step` needs of positions and of the conditions of a batch of clips; computed once.

    Args:
        model: the `VideoGPT` to decode with.
        frames, labels, actions: as in `sample`, for every clip of the batch; NumPy arrays.
        encoder: the `VideoGPT` that encodes frames, if it is another, of higher precision.

    Returns:
        Tensors by use.
    """
    given = [array for array in (frames, labels, actions) if array is not None]
    batch = model.conditions.given(len(given[0]) if given else 0, frames, labels, actions)
    encoder = (encoder or model).condition_encoder
    encoded = encoder.predict_on_batch(batch) if batch else {}
    encoded = {
        name: ops.cast(value, model.layers_policy.compute_dtype) for name, value in encoded.items()
    }
    context = {"positions": ops.reshape(model.positions.table(), (model.length, model.hidden_dim))}
    context |= {"blocks": [block.context(**encoded) for block in model.blocks]}
    context["norm"] = model.norm.gain_and_bias(encoded.get("condition"))
    return keras.tree.map_structure(ops.stop_gradient, context)


def step(model: VideoGPT, previous, pasts: list, runs: list, places: list, position, context: dict):
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
    updated = []
    for block, past, run, place, block_context in zip(
        model.blocks, pasts, runs, places, context["blocks"], strict=True
    ):
        x, run = block.step(x, past, run, place, block_context)
        updated.append(run)
    x = normalize(model.norm, x, *context["norm"])
    return cast(linear(model.unembed, x), "float32"), updated
