from typing import Any

import keras

# What changes nothing of what a layer of an `Augmentation` does: its seeds are set at every call.
WITHOUT_EFFECT = ("name", "seed", "trainable")


def layer_text(layer: keras.Layer) -> str:
    """A layer and its settings as text, the same for layers that do the same.

    Args:
        layer: a layer of an `Augmentation`, those inside it included.

    Returns:
        The text, as a call that would make it.

    Raises:
        ValueError: the layer, or one inside it, has no `get_config`.

    Example:
        >>> layer_text(keras.layers.GaussianNoise(0.1, seed=3))
        "keras.layers.GaussianNoise(dtype='float32', stddev=0.1)"
    """
    try:
        return _text(keras.saving.serialize_keras_object(layer))
    except (NotImplementedError, TypeError) as error:
        raise ValueError(
            "Layers of an augmentation must have a `get_config`, so that it can be told from "
            f"others. Received: {type(layer).__name__}"
        ) from error


def _text(value: Any) -> str:
    if isinstance(value, dict) and {"class_name", "config"} <= set(value):
        if value["class_name"].endswith("DTypePolicy"):
            return repr(value["config"]["name"])
        name = ".".join(part for part in (value.get("module"), value["class_name"]) if part)
        return f"{name}({_settings(value['config'])})"
    if isinstance(value, dict):
        return f"{{{_settings(value)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


def _settings(config: Any) -> str:
    if not isinstance(config, dict):
        return _text(config)
    kept = sorted(config.keys() - set(WITHOUT_EFFECT))
    return ", ".join(f"{name}={_text(config[name])}" for name in kept)
