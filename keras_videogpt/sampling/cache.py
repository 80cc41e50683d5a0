"""The cache of a prior: how the positions of a clip are cut into runs and segments."""

import keras
from keras import ops

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
