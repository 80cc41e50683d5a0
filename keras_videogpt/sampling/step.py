"""One step of a prior's decoding: the same mathematics as the model's, a position at a time."""

import keras
from keras import ops

from keras_videogpt.layers.linear import linear
from keras_videogpt.models.videogpt import VideoGPT

# Longer runs write to the cache less often, but have more positions of their own to mask.
LONGEST_RUN = 32
# On JAX every segment is a compilation, and is read while half empty; on TensorFlow it is one more
# product per layer. PyTorch needs none.
MOST_SEGMENTS = {"jax": 8, "tensorflow": 2, "torch": 1}


def empty_cache(model: VideoGPT, batch_size: int) -> list:
    """Every block's cache of keys and values before the first code."""
    segments = model.length // segment_length(model)
    return [
        block.attention.empty_cache(batch_size, model.length, segments) for block in model.blocks
    ]


def segment_length(model: VideoGPT) -> int:
    """Positions of a segment of the cache: whole runs; all of them for sparse attention."""
    if model.attention == "sparse":
        return model.length
    runs = model.length // run_length(model)
    most = MOST_SEGMENTS[keras.backend.backend()]
    segments = max(count for count in range(1, most + 1) if runs % count == 0)
    return model.length // segments


def empty_runs(model: VideoGPT, batch_size: int, steps: int) -> list:
    """Every block's keys and values of a run of some steps, before the first."""
    attention = model.blocks[0].attention
    shape = (batch_size * attention.num_heads, steps, attention.head_dim)
    zeros = [
        [ops.zeros(shape, model.layers_policy.compute_dtype) for _ in range(2)]
        for _ in model.blocks
    ]
    return [tuple(pair) for pair in zeros]


def run_length(model: VideoGPT) -> int:
    """Codes drawn in one compiled call: at most 32, and within a block of sparse attention."""
    whole = model.block_size if model.attention == "sparse" else model.length
    return max(size for size in range(1, LONGEST_RUN + 1) if whole % size == 0)


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
    if "condition" in encoded:
        context["norm"] = model.norm.gain_and_bias(encoded["condition"])
    return keras.tree.map_structure(ops.stop_gradient, context)


def step(model: VideoGPT, previous, pasts: list, runs: list, first, index, context: dict):
    """Logits of one code, given the code before it, what is before its run, and the conditions.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype.
        previous: int32 `(B,)`, the code before; ignored at the first position of all.
        pasts: every block's `past` of the run.
        runs: every block's keys and values of the run, filled below `index`.
        first: position of the run's first code; an integer, or a scalar tensor.
        index: place of the code in the run; an integer, or a scalar tensor.
        context: as `encode_conditions` gives.

    Returns:
        float32 logits `(B, num_codes)`, and `runs` filled up to `index`.
    """
    position = first + index
    books = model.tokenizer.num_codebooks
    vectors = model.tokenizer.quantizer.lookup_in_book(previous, (position - 1) % books)
    x = linear(model.embed, ops.cast(vectors, model.layers_policy.compute_dtype))
    start = ops.cast(ops.convert_to_tensor(model.start.vector), x.dtype)
    x = ops.where(ops.equal(position, 0), start, x)
    x = x + ops.cast(ops.take(context["positions"], position, axis=0), x.dtype)
    updated = []
    for block, past, run, block_context in zip(
        model.blocks, pasts, runs, context["blocks"], strict=True
    ):
        x, run = block.step(x, past, run, index, block_context)
        updated.append(run)
    x = model.norm.normalize(x, *(context.get("norm") or model.norm.gain_and_bias()))
    return ops.cast(linear(model.unembed, x), "float32"), updated
