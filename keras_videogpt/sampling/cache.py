"""The cache of a prior: how the positions of a clip are cut into runs, and how the cache grows."""

import keras

from keras_videogpt.layers import key_value_cache
from keras_videogpt.models.videogpt import VideoGPT

# Longer runs write to the cache less often, but have more positions of their own to mask.
LONGEST_RUN = 32
# Compiled functions read all of the cache there is, and are compiled anew for every size of it.
MOST_SIZES = {"jax": 8, "tensorflow": 8, "torch": 1}
MOST_GROWING = 2**31


def run_length(model: VideoGPT) -> int:
    """Codes drawn in one compiled call: at most 32, and within a block of sparse attention."""
    whole = model.block_size if model.attention == "sparse" else model.length
    return max(size for size in range(1, LONGEST_RUN + 1) if whole % size == 0)


def cache_bytes(model: VideoGPT, batch_size: int) -> int:
    """Bytes of the keys and values of whole clips."""
    values = 2 * model.num_layers * model.length * model.hidden_dim * batch_size
    return values * (4 if model.layers_policy.compute_dtype == "float32" else 2)


def cache_length(model: VideoGPT, batch_size: int, filled: int) -> int:
    """Positions of a cache that has some filled: up to the next of its sizes.

    Args:
        model: a `VideoGPT`.
        batch_size: clips in the cache.
        filled: positions that are filled.

    Returns:
        A number of positions from `filled` to the model's length. Sparse attention, which gathers
        what it reads, has a cache of one size; so has a large one on TensorFlow, which doesn't give
        back the memory of smaller ones.
    """
    backend = keras.backend.backend()
    large = backend == "tensorflow" and cache_bytes(model, batch_size) > MOST_GROWING
    sizes = 1 if large or model.attention == "sparse" else MOST_SIZES[backend]
    runs = model.length // run_length(model)
    size = -(-runs // sizes) * run_length(model)
    return min(model.length, -(-filled // size) * size)


def empty_cache(model: VideoGPT, batch_size: int) -> list:
    """Every block's cache of keys and values before the first code."""
    length = cache_length(model, batch_size, run_length(model))
    return [block.attention.empty_cache(batch_size, length) for block in model.blocks]


def grow(model: VideoGPT, cache: list, filled: int) -> None:
    """Makes every block's cache large enough for some positions, one after the other.

    Args:
        model: a `VideoGPT`.
        cache: its cache, changed in place.
        filled: positions that will be filled.
    """
    batch_size = cache[0][0].shape[0] // model.num_heads
    length = cache_length(model, batch_size, filled)
    for block, arrays in enumerate(cache):
        if arrays[0].shape[1] < length:
            cache[block] = key_value_cache.grow(arrays, length)
