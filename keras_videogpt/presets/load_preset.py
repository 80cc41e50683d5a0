"""Models of presets: those of the package by name, others by their folder or address."""

import inspect
import os
from pathlib import Path
from typing import Any

import keras

from keras_videogpt.models.model_file import first_line, read_weights
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path
from keras_videogpt.presets.built_in import (
    TRAINED,
    available,
    is_built_in,
    model_arguments,
    tokenizer_of,
    trained_folder,
)
from keras_videogpt.presets.hub import download, is_hub_address
from keras_videogpt.presets.preset_folder import PresetFolder, is_preset_folder

CLASSES = {"VQVAE": VQVAE, "VideoGPT": VideoGPT}
# Arguments that what a trained model computes does not depend on.
FREE = {
    "class_names",
    "commitment_cost",
    "condition_dropout",
    "data_variance",
    "dropout",
    "dtype",
    "ema_decay",
    "name",
    "remat",
    "restart_threshold",
    "seed",
    "tokenizer",
    "trainable",
}


def load_preset(
    preset: str | os.PathLike,
    load_weights: bool = True,
    cls: type[VQVAE] | type[VideoGPT] | None = None,
    **overrides: Any,
) -> VQVAE | VideoGPT:
    """The model of a preset.

    Args:
        preset: name of one that comes with the package, folder that `save_to_preset` wrote, or
            address on a hub. A folder that is there goes before a name.
        load_weights: whether with its trained weights; if not, as it is before training.
        cls: class of the model: the tokenizer of a prior's preset is a `VQVAE`. `None` for its own.
        **overrides: arguments of the model in the place of the preset's.

    Returns:
        The model, not compiled.

    Raises:
        FileNotFoundError: there is no such preset.
        ValueError: it is of another class, damaged or not to be trusted; has no trained weights to
            load; or an override is unknown, or does not go with its weights.

    Example:
        >>> load_preset("vizdoom_small", cls=VQVAE).video_shape
        (16, 64, 64, 3)
    """
    if isinstance(preset, str) and is_hub_address(preset):
        folder, root = download(preset)
        return _of_folder(PresetFolder(folder, root), load_weights, cls, overrides)
    folder = as_path(preset)
    if not is_preset_folder(folder) and is_built_in(preset):
        if preset not in TRAINED:
            return _untrained(preset, load_weights, cls, overrides)
        # Trusted as the package's code is: installers may make links of both.
        folder = trained_folder(preset)
        return _of_folder(PresetFolder(folder, Path(folder.anchor)), load_weights, cls, overrides)
    if not folder.exists():
        trained = ", ".join(TRAINED)
        raise FileNotFoundError(
            f"There is no preset {preset}: neither a folder, nor a name ({trained}, or an "
            "untrained one that keras-videogpt presets lists)."
        )
    return _of_folder(PresetFolder(folder), load_weights, cls, overrides)


def _untrained(name, load_weights, cls, overrides):
    kinds = [one.class_name for one in available() if one.name == name]
    cls = cls or CLASSES[kinds[-1]]
    if cls.__name__ not in kinds:
        raise ValueError(f"{name} is a {kinds[-1]}, and not a {cls.__name__}.")
    if load_weights:
        raise ValueError(
            f"{name} has settings and no trained weights. {cls.__name__}.from_preset({name!r}, "
            f"load_weights=False) is an untrained model; trained is {', '.join(TRAINED)}."
        )
    _check_overrides(cls, overrides)
    arguments = {**model_arguments(cls.__name__, name), **overrides}
    if cls is VideoGPT and "tokenizer" not in overrides:
        arguments["tokenizer"] = VQVAE(**model_arguments("VQVAE", tokenizer_of(name)))
    return cls(**arguments)


def _of_folder(preset, load_weights, cls, overrides):
    config = preset.config
    kind = CLASSES[preset.metadata["class"]]
    cls = cls or kind
    if cls is VideoGPT and kind is VQVAE:
        raise ValueError(f"{preset.folder} is a VQVAE, and not a VideoGPT.")
    _check_overrides(cls, overrides)
    if load_weights and "tokenizer" in overrides:
        raise ValueError(
            "tokenizer can't be replaced where weights are loaded: the prior's are of the codes of "
            "its own. Pass load_weights=False too."
        )
    if load_weights and (fixed := sorted(set(overrides) - FREE)):
        raise ValueError(
            f"{', '.join(fixed)} can't be changed where weights are loaded, which were trained "
            "with the preset's; pass load_weights=False too."
        )
    # Inside a prior a tokenizer is frozen; on its own it is free.
    changed = overrides if cls is kind else {"trainable": True, **overrides}
    part = config if cls is kind else config["config"].get("tokenizer")
    if not isinstance(part, dict):
        raise ValueError(f"The preset {preset.folder} can't be read: it has no tokenizer.")
    if overrides and not load_weights:
        return _changed(part, cls, changed)
    try:
        if not load_weights:
            return _changed(part, cls, changed)
        # The prior too where its tokenizer is asked for: the weights are in one file.
        model = keras.saving.deserialize_keras_object(config)
        with preset.weights() as file:
            read_weights(model, file)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"The preset {preset.folder} can't be read: {first_line(error)}"
        ) from error
    model = model if cls is kind else model.tokenizer
    if not changed:
        return model
    weights, model = model.get_weights(), _changed(part, cls, changed)
    shapes = [weight.shape for weight in weights]
    if [tuple(weight.shape) for weight in model.weights] != shapes:
        raise ValueError(
            f"The preset's weights don't fit a model with {', '.join(sorted(overrides))} changed; "
            "pass load_weights=False too."
        )
    model.set_weights(weights)
    return model


def _check_overrides(cls, overrides) -> None:
    known = [name for name in inspect.signature(cls.__init__).parameters if name != "self"]
    for name in overrides:
        if name not in {*known, "name", "trainable"} - {"kwargs"}:
            raise ValueError(f"{cls.__name__} has no argument {name}; it has {known}.")


def _changed(config, cls, changed):
    """The model of a config with some arguments changed."""
    inner = {**config["config"], **changed}
    if "tokenizer" in changed:
        # `VideoGPT.from_config` makes a new one, of its config.
        return super(VideoGPT, cls).from_config(inner)
    return cls.from_config(inner)
