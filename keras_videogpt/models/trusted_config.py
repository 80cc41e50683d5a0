"""Which objects the config of a file may name: models, optimizers and dtype policies, no others.

A config of Keras says what is built by the names of classes and functions. Safe mode refuses only
some of them, and not after `keras.config.enable_unsafe_deserialization()`. Configs of our models
need few, so that a list of those is what is let through, before Keras sees any of it.
"""

import json

import keras

MODELS = ("keras_videogpt>VQVAE", "keras_videogpt>VideoGPT")
TRAINING = (keras.optimizers.Optimizer, keras.optimizers.schedules.LearningRateSchedule)
# What Keras's classes must be, by the module that a config names.
KERAS = {
    "keras": keras.DTypePolicy,
    "keras.dtype_policies": keras.DTypePolicy,
    "keras.optimizers": keras.optimizers.Optimizer,
    "keras.optimizers.schedules": keras.optimizers.schedules.LearningRateSchedule,
    "keras.quantizers": (keras.quantizers.Quantizer, keras.quantizers.QuantizationConfig),
}

# Where PyTorch's own classes of some optimizers are, which it makes in the place of Keras's.
TORCH_OPTIMIZERS = "keras.src.backend.torch.optimizers."

# Keys by which Keras takes a dictionary for an object; all it may have.
MARKS = {"class_name", "registered_name", "module", "spec_name"}
FIELDS = {
    "module",
    "class_name",
    "config",
    "registered_name",
    "build_config",
    "compile_config",
    "shared_object_id",
}
MAX_DEPTH = 40
MAX_BYTES = 4 * 2**20  # of real configs a few KiB


def read_json(data: bytes, name: str) -> dict:
    """A dictionary in JSON, of a size that is plausible.

    Args:
        data: the text.
        name: of the file, for errors.

    Returns:
        The dictionary.

    Raises:
        ValueError: it is none, damaged, or too large.

    Example:
        >>> read_json(b'{"format": 1}', "metadata.json")
        {'format': 1}
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"its {name} has more than {MAX_BYTES:,} bytes.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(f"its {name} is damaged or cut off.") from None
    if not isinstance(value, dict):
        raise ValueError(f"its {name} holds no dictionary.")
    return value


def check_config(config: dict) -> None:
    """Raises `ValueError` unless a config is a model's of ours, and names what is harmless alone.

    Args:
        config: of a `VQVAE` or a `VideoGPT`, as `keras.saving.serialize_keras_object` makes it.
            Optimizers that were saved under PyTorch's names are given those of every backend.

    Raises:
        ValueError: it is another class's, or names another inside.

    Example:
        >>> check_config({"class_name": "Lambda", "module": "keras.layers", "config": {}})
        Traceback (most recent call last):
        ValueError: it holds a Lambda, and not a VQVAE or a VideoGPT.
    """
    if config.get("registered_name") not in MODELS:
        kind = _text(config.get("class_name"))
        raise ValueError(f"it holds a {kind}, and not a VQVAE or a VideoGPT.")
    _check(config, 0)


def _check(value, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"its config is nested more than {MAX_DEPTH} times.")
    if isinstance(value, dict):
        if MARKS & set(value):
            _check_object(value)
        for inner in value.values():
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_object(config: dict) -> None:
    if str(config.get("module")).startswith(TORCH_OPTIMIZERS):
        config |= {"module": "keras.optimizers", "registered_name": None}
    module, name, registered = (config.get(k) for k in ("module", "class_name", "registered_name"))
    whole = {"class_name", "config"} <= set(config) <= FIELDS
    if not (whole and isinstance(name, str) and _is_trusted(module, name, registered)):
        named = registered or (f"{module}.{name}" if module else name)
        raise ValueError(
            f"its config names {_text(named)}, which no model file of ours needs; nothing was "
            "executed."
        )


def _is_trusted(module, name: str, registered) -> bool:
    """Whether Keras, given these, finds a class that only holds settings."""
    if isinstance(registered, str) and registered.startswith("keras_videogpt>"):
        # Keras goes by names such as `__lambda__` first, whatever is registered.
        if registered != f"keras_videogpt>{name}":
            return False
        found = keras.saving.get_registered_object(registered)
        return registered in MODELS or _is_subclass(found, TRAINING)
    if registered is not None or module not in KERAS:
        return False
    found = keras
    for part in [*module.split(".")[1:], name]:
        found = getattr(found, part, None)
    return _is_subclass(found, KERAS[module])


def _is_subclass(value, classes) -> bool:
    return isinstance(value, type) and issubclass(value, classes)


def _text(value) -> str:
    """What a file calls something, in a message: it may hold line breaks, or be very long."""
    text = str(value)[:100]
    return text if text.isprintable() else ascii(text)
