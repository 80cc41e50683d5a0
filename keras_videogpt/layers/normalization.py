from typing import Any

import keras

from keras_videogpt.distribution.global_batch import num_replicas

NORMS = ("batch", "group", "layer")


def normalization(kind: str, channels: int, **kwargs: Any) -> keras.layers.Layer:
    """The normalisation layer of a tokenizer's convolutions, by name.

    Args:
        kind: `"batch"`: batch statistics, as the original code (epsilon 1e-5, momentum 0.9);
            of the global batch where the layer is made under a `tf.distribute` strategy;
            `"layer"`: over the channels of each position, as the paper's text;
            `"group"`: over positions and groups of channels, independent of the batch too.
        channels: number of channels of the input.
        **kwargs: passed to the layer (`name`, `dtype`).

    Returns:
        A new Keras layer.

    Raises:
        ValueError: `kind` is none of these.

    Example:
        >>> normalization("batch", 64).epsilon
        1e-05
    """
    if kind == "batch":
        if keras.backend.backend() == "tensorflow" and num_replicas() > 1:
            kwargs = {"synchronized": True, **kwargs}
        return keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, **kwargs)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-5, **kwargs)
    if kind == "group":
        groups = max(g for g in range(1, min(32, channels) + 1) if channels % g == 0)
        return keras.layers.GroupNormalization(groups=groups, epsilon=1e-5, **kwargs)
    raise ValueError(f"norm must be one of {NORMS}; got {kind!r}.")
