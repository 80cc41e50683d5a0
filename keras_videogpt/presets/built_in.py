"""The presets that come with the package: trained models, and settings of untrained ones."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from keras_videogpt.presets.data_sets import DATA_SETS
from keras_videogpt.presets.parameters import PARAMETERS
from keras_videogpt.presets.settings import PRIORS, TOKENIZERS, TRAINING_SETTINGS, settings

TRAINED = ("vizdoom_small",)
KINDS = {"VQVAE": "vqvae", "VideoGPT": "prior"}

_WHAT = {
    "paper": "settings of the paper for BAIR, RoboNet and ViZDoom, without conditions",
    "paper_ucf101": "settings of the paper for UCF-101 and TGIF",
    "paper_tgif": "settings of the paper for TGIF",
    "paper_moving_mnist": "settings of the paper for Moving MNIST, without conditions",
    "original": "defaults of the original code, as which it computes",
    "demo": "small settings that train in minutes on two CPU cores",
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A model that comes with the package.

    Attributes:
        name: what `from_preset` and `kvg.load` take.
        class_name: `"VQVAE"` or `"VideoGPT"`.
        parameters: numbers in the model, its tokenizer included.
        size: bytes of its files; of an untrained one, of its float32 weights.
        trained_on: data set it was trained on; `None` if it has settings only.
        description: what it is, in a line.
    """

    name: str
    class_name: str
    parameters: int
    size: int
    trained_on: str | None
    description: str


def available() -> list[Preset]:
    """The presets that come with the package, trained ones first.

    Returns:
        A `Preset` each. An untrained one of a data set is there as a tokenizer and as a prior on
        top of it.

    Example:
        >>> [preset.name for preset in available() if preset.trained_on]
        ['vizdoom_small']
        >>> {preset.class_name for preset in available() if preset.name == "bair"} == set(KINDS)
        True
    """
    untrained = [
        _untrained(name, class_name)
        for name in [*DATA_SETS, *dict.fromkeys([*TOKENIZERS, *PRIORS])]
        for class_name in KINDS
        if class_name == "VideoGPT" or name in TOKENIZERS or name in DATA_SETS
    ]
    return [*map(_trained, TRAINED), *untrained]


def is_built_in(preset: Any) -> bool:
    """Whether a preset of this name comes with the package.

    Args:
        preset: what `kvg.load` or `from_preset` was given.

    Returns:
        The answer.

    Example:
        >>> is_built_in("bair"), is_built_in("kinetics")
        (True, False)
    """
    return isinstance(preset, str) and (
        preset in TRAINED or preset in DATA_SETS or preset in TOKENIZERS or preset in PRIORS
    )


def trained_folder(name: str) -> Path:
    """The folder of a trained preset that comes with the package.

    Args:
        name: its name.

    Returns:
        The folder.

    Example:
        >>> trained_folder("vizdoom_small").name
        'vizdoom_small'
    """
    return Path(__file__).parent / name


def model_arguments(class_name: str, name: str) -> dict:
    """Arguments of the model of an untrained preset, without the tokenizer of a prior.

    Args:
        class_name: `"VQVAE"` or `"VideoGPT"`.
        name: its name.

    Returns:
        Arguments by name.

    Raises:
        ValueError: there is no such preset of that class.

    Example:
        >>> model_arguments("VQVAE", "bair")["video_shape"]
        (16, 64, 64, 3)
    """
    arguments = settings(KINDS[class_name], name)
    for setting in TRAINING_SETTINGS:
        del arguments[setting]
    if class_name == "VQVAE":
        frames, size = arguments.pop("frames"), arguments.pop("size")
        arguments["video_shape"] = (frames, size, size, 3)
    return arguments


def tokenizer_of(prior: str) -> str:
    """The untrained tokenizer that an untrained prior is put on.

    Args:
        prior: name of the prior.

    Returns:
        Name of the tokenizer.

    Example:
        >>> tokenizer_of("bair"), tokenizer_of("paper_tgif")
        ('bair', 'paper_ucf101')
    """
    if prior in DATA_SETS or prior in TOKENIZERS:
        return prior
    return next(data.tokenizer for data in DATA_SETS.values() if data.prior == prior)


def _untrained(name: str, class_name: str) -> Preset:
    what = _WHAT.get(name)
    if what is None:
        data_set = DATA_SETS[name]
        conditions = [c for c in data_set.conditions if _is_given(c, name)]
        given = f", given {' and '.join(conditions)}" if conditions else ""
        what = f"settings of the paper for {data_set.what}"
        what += given if class_name == "VideoGPT" else ""
    parameters = PARAMETERS[class_name, name]
    return Preset(name, class_name, parameters, 4 * parameters, None, what)


def _is_given(condition: str, name: str) -> bool:
    prior = settings("prior", name)
    return bool(
        {"frames": prior["frame_cond"], "actions": prior.get("action_shape")}.get(condition)
    )


def _trained(name: str) -> Preset:
    folder = trained_folder(name)
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    return Preset(
        name,
        metadata["class"],
        metadata["parameters"],
        sum(file.stat().st_size for file in folder.iterdir()),
        metadata["trained_on"],
        metadata["description"],
    )
