"""The cache of keys and values: the one place where decoding differs by backend.

PyTorch decodes in a Python loop: it writes in place, and sees the filled part as a view. TensorFlow
and JAX decode in a compiled loop of fixed shapes: they update functionally, and mask the rest.
"""

import keras
from keras import ops


def write_to_cache(cache, entry, index):
    """`cache` `(B, heads, L, channels)` with `entry` `(B, heads, channels)` at position `index`."""
    if keras.backend.backend() == "torch":
        cache[:, :, index] = entry
        return cache
    return ops.slice_update(cache, (0, 0, index, 0), entry[:, :, None])


def filled_part(keys, values, index):
    """What position `index` may attend to: keys, values, and a mask over positions or `None`."""
    if isinstance(index, int):
        return keys[:, :, : index + 1], values[:, :, : index + 1], None
    return keys, values, ops.arange(keys.shape[2]) <= index
