"""Keys and values of codes that are given, all positions at once, before the first step."""

import numpy as np
from keras import ops

from keras_videogpt.layers import key_value_cache
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.cache import grow


def prefill(model: VideoGPT, codes: np.ndarray, cache: list, context: dict) -> None:
    """Fills the cache with what the first codes of a clip leave there.

    Args:
        model: a `VideoGPT` whose weights have its compute dtype.
        codes: int32 `(B, P)`, the first codes in the order they are predicted in.
        cache: an empty cache; changed in place.
        context: what `encode_conditions` gives.
    """
    given = codes.shape[1]
    # Sparse attention is over whole blocks. What is behind the codes changes nothing before it.
    block = model.block_size if model.attention == "sparse" else 1
    length = -(-given // block) * block
    codes = np.pad(codes, ((0, 0), (0, length - given)))
    books = np.arange(length, dtype="int32") % model.tokenizer.num_codebooks
    vectors = model.tokenizer.quantizer.lookup_in_book(
        ops.convert_to_tensor(codes), ops.convert_to_tensor(books)
    )
    x = model.start(model.embed(ops.cast(vectors, model.layers_policy.compute_dtype)))
    x = x + ops.cast(context["positions"][:length], x.dtype)  # (B, P, hidden_dim)
    groups = None
    if model.group_length is not None:
        groups = ops.convert_to_tensor(np.arange(length, dtype="int32") // model.group_length)
    grow(model, cache, given)
    for index, block in enumerate(model.blocks):
        x, entries = block.prefill(x, context["blocks"][index], groups)
        entries = tuple(ops.cast(array[:, :given], cache[index][0].dtype) for array in entries)
        cache[index] = key_value_cache.end_run(cache[index], entries, 0)
