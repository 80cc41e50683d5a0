"""Presets as folders: a model's config, its weights without an optimizer, and what they are.

`config.json` is Keras's serialized config, `model.weights.h5` the weights as
`keras.Model.save_weights` writes them, and `metadata.json` says what the model was trained on, how
it is made again, and the sha256 of the other two.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

import keras_videogpt
from keras_videogpt.models.trusted_config import MAX_BYTES, check_config, read_json
from keras_videogpt.new_folder import new_folder
from keras_videogpt.paths import as_path, is_remote, local_copy, local_path

FORMAT = 1
CONFIG, WEIGHTS, METADATA = FILES = ("config.json", "model.weights.h5", "metadata.json")


def write_preset(
    model: keras.Model,
    folder: str | os.PathLike,
    trained_on: str,
    description: str,
    recipe: str,
    figures: dict,
) -> Path:
    """Writes a folder that `from_preset` reads: `VideoModel.save_to_preset`, see there."""
    folder = local_path(folder, "folder")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; choose another folder, or remove it.")
    with new_folder(folder, overwrite=False, mark=METADATA) as unfinished:
        config = keras.saving.serialize_keras_object(model)
        # A model of its own leaves the optimizer, and what training counts, out of the file.
        config["compile_config"] = {}
        copy = keras.saving.deserialize_keras_object(config)
        copy.set_weights(model.get_weights())
        copy.save_weights(unfinished / WEIGHTS)
        _write_json(unfinished / CONFIG, config)
        metadata = {
            "format": FORMAT,
            "class": type(model).__name__,
            "parameters": model.count_params(),
            "trained_on": trained_on,
            "description": description,
            "recipe": recipe,
            "figures": figures,
            "versions": {
                "keras": keras.version(),
                "keras_videogpt": keras_videogpt.__version__,
            },
            "sha256": {name: _sha256(unfinished / name) for name in (CONFIG, WEIGHTS)},
        }
        _write_json(unfinished / METADATA, metadata)
    return folder


def _write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8", newline="\n")


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def is_preset_folder(folder: Any) -> bool:
    """Whether a folder is meant to be a preset's.

    Args:
        folder: what `as_path` returned.

    Returns:
        The answer; a preset that is not whole is one.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> is_preset_folder(model.save_to_preset("my_preset", trained_on="nothing"))
        True
    """
    return (folder / METADATA).is_file() and (folder / CONFIG).is_file()


class PresetFolder:
    """A preset in a folder; what it holds is read once it has the sha256 that it should have.

    Args:
        folder: the folder, local or remote.
        root: what links in it must stay in; `None` for the folder itself.

    Attributes:
        metadata: what `metadata.json` says.
        config: the model's config.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged or not the one that was written, leads out of the folder, or
            is not to be trusted.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> folder = model.save_to_preset("my_preset", trained_on="nothing")
        >>> PresetFolder(folder).metadata["class"]
        'VQVAE'
    """

    def __init__(self, folder: str | os.PathLike, root: Path | None = None):
        self.folder = as_path(folder)
        self.root = root or self.folder
        self.metadata = self._json(METADATA, self._bytes(METADATA))
        self._check_metadata()
        text = self._bytes(CONFIG)
        self._compare(CONFIG, hashlib.sha256(text).hexdigest())
        self.config = self._json(CONFIG, text)
        try:
            check_config(self.config)
        except ValueError as error:
            raise ValueError(f"The preset {self.folder} can't be read: {error}") from None
        kinds = self.metadata.get("class"), self.config["registered_name"].rpartition(">")[2]
        if kinds[0] != kinds[1]:
            raise ValueError(
                f"The preset {self.folder} can't be read: {METADATA} has the class "
                f"{ascii(kinds[0])[:50]}, and {CONFIG} the class {kinds[1]}."
            )

    @contextmanager
    def weights(self) -> Iterator[Path]:
        """The file of the weights on this machine, once its sha256 is the right one."""
        with local_copy(self._file(WEIGHTS)) as file:
            self._compare(WEIGHTS, _sha256(file))
            yield file

    def _file(self, name: str):
        file = self.folder / name
        if not file.is_file():
            raise FileNotFoundError(f"The preset {self.folder} has no file {name}.")
        if not is_remote(file) and not file.resolve().is_relative_to(self.root.resolve()):
            raise ValueError(
                f"{file} is a link that leads out of its preset; put the file in its place."
            )
        return file

    def _bytes(self, name: str) -> bytes:
        with self._file(name).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)

    def _json(self, name: str, text: bytes) -> dict:
        try:
            return read_json(text, name)
        except ValueError as error:
            raise ValueError(f"The preset {self.folder} can't be read: {error}") from None

    def _check_metadata(self) -> None:
        file, version = self.folder / METADATA, self.metadata.get("format")
        if version != FORMAT:
            raise ValueError(
                f"{file} has format {ascii(version)[:20]}; this version of keras_videogpt reads "
                f"format {FORMAT}."
            )
        sums = self.metadata.get("sha256")
        if not isinstance(sums, dict) or set(sums) != {CONFIG, WEIGHTS}:
            named = ascii(sorted(sums))[:200] if isinstance(sums, dict) else "nothing"
            raise ValueError(
                f"{file} must have the sha256 of {CONFIG} and {WEIGHTS}, and of nothing else; "
                f"it has that of {named}."
            )

    def _compare(self, name: str, found: str) -> None:
        expected = self.metadata["sha256"][name]
        if found != expected:
            raise ValueError(
                f"{self.folder / name} is damaged, or not the file of this preset: its sha256 is "
                f"{found}, and {METADATA} has {ascii(expected)[1:65]}. Download or copy it again."
            )
