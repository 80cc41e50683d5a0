"""One step of a prior's decoding: the same mathematics as the model's, a position at a time."""

import keras
from keras import ops

from keras_videogpt.models.videogpt import VideoGPT


def empty_cache(model: VideoGPT, batch_size: int) -> list:
    """Every block's cache of keys and values before the first code."""
    return [block.attention.empty_cache(batch_size, model.length) for block in model.blocks]


def encode_conditions(model: VideoGPT, frames=None, labels=None, actions=None) -> dict:
    """What `step` needs of the conditions of a batch of clips; computed once.

    Args:
        model: a `VideoGPT`.
        frames, labels, actions: as in `sample`, for every clip of the batch; NumPy arrays.

    Returns:
        Tensors by use, without any for a prior without conditions.
    """
    given = [array for array in (frames, labels, actions) if array is not None]
    batch = model.conditions.given(len(given[0]) if given else 0, frames, labels, actions)
    encoded = model.condition_encoder.predict_on_batch(batch) if batch else {}
    encoded = {name: ops.convert_to_tensor(value) for name, value in encoded.items()}
    context = {"blocks": [block.context(**encoded) for block in model.blocks]}
    if "condition" in encoded:
        context["norm"] = model.norm.gain_and_bias(encoded["condition"])
    return keras.tree.map_structure(ops.stop_gradient, context)


def step(model: VideoGPT, previous, cache: list, index, context: dict):
    """Logits of one code, given the code before it, the cache and the conditions.

    Args:
        model: a `VideoGPT`.
        previous: int32 `(B,)`, the code at position `index - 1`; ignored at position 0.
        cache: as `empty_cache` gives, filled below `index`.
        index: position in the order of prediction; an integer, or a scalar tensor.
        context: as `encode_conditions` gives.

    Returns:
        float32 logits `(B, num_codes)`, and the cache filled up to `index`.
    """
    books = model.tokenizer.num_codebooks
    vectors = model.tokenizer.quantizer.lookup_in_book(previous, (index - 1) % books)
    x = model.embed(ops.cast(vectors, model.compute_dtype))
    start = ops.cast(ops.convert_to_tensor(model.start.vector), x.dtype)
    x = ops.where(ops.equal(index, 0), start, x)
    table = ops.reshape(model.positions.table(), (model.length, model.hidden_dim))
    x = x + ops.cast(ops.take(table, index, axis=0), x.dtype)
    updated = []
    for block, old, block_context in zip(model.blocks, cache, context["blocks"], strict=True):
        x, new = block.step(x, old, index, block_context)
        updated.append(new)
    x = model.norm.normalize(x, *(context.get("norm") or model.norm.gain_and_bias()))
    return ops.cast(model.unembed(x), "float32"), updated
