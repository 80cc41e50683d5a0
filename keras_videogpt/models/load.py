import os
import warnings
import zipfile
from pathlib import Path

import keras

from keras_videogpt.models.model_file import first_line, open_model_file, read_weights
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, local_copy
from keras_videogpt.presets.built_in import is_built_in
from keras_videogpt.presets.hub import is_hub_address
from keras_videogpt.presets.load_preset import load_preset
from keras_videogpt.presets.preset_folder import is_preset_folder
from keras_videogpt.training import training_optimizer  # noqa: F401  files name it


def load(path: str | os.PathLike, compile: bool = True) -> VQVAE | VideoGPT:
    """Loads a saved model or a preset, as the class it was saved as, on any backend.

    Files are not trusted: of what they name, only our models, Keras's optimizers and dtype policies
    are built, and nothing in them is executed, whatever Keras's safe mode is set to.

    Args:
        path: a `.keras` file of a `VQVAE` or a `VideoGPT`, a run folder that holds one, or a folder
            that `save_to_preset` wrote; local, or an address such as `s3://bucket/runs/first`. Or
            the name of a preset (`keras-videogpt presets` lists them), or its address on a hub:
            `hf://user/repository[@revision]`, `kaggle://user/model/framework/variation[/version]`.
            A file or folder that is there goes before a preset of the same name.
        compile: whether a model that was saved with its optimizer is compiled with it.

    Returns:
        The model; presets are not compiled.

    Raises:
        FileNotFoundError: there is no such file, and no such preset.
        ValueError: the file is damaged, not one of our models, or not to be trusted; or a preset
            has settings only, and no trained weights (see `VideoGPT.from_preset`).

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save("vqvae.keras")
        >>> load("vqvae.keras").num_codes
        32
        >>> load("vizdoom_small").codes_shape
        (4, 16, 16)
    """
    given = path
    if is_hub_address(path):
        return load_preset(path)
    path = as_path(path)
    if is_preset_folder(path):
        return load_preset(path)
    if path.is_dir():
        candidates = [path / name for name in ("videogpt.keras", "vqvae.keras")]
        found = [candidate for candidate in candidates if candidate.exists()]
        if not found and is_built_in(given):
            return load_preset(given)
        if not found:
            raise FileNotFoundError(
                f"{path} holds no trained model: neither videogpt.keras nor vqvae.keras."
            )
        path = found[0]
    if not path.exists():
        if is_built_in(given):
            return load_preset(given)
        raise FileNotFoundError(
            f"There is no model file {path}, and no preset of that name "
            "(keras-videogpt presets lists them)."
        )
    with local_copy(path) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} is not a Keras model file (.keras), or is cut off.")
        try:
            return _load_file(file, compile)
        except Exception as error:
            raise ValueError(
                f"{path} could not be loaded as a Keras model: {first_line(error)}"
            ) from error


def _load_file(file: Path, compile: bool) -> VQVAE | VideoGPT:
    with open_model_file(file, compile) as (config, weights), warnings.catch_warnings():
        # An optimizer that was saved before its first step has no state to miss.
        warnings.filterwarnings("ignore", ".*the saved optimizer has 2 variables")
        model = keras.saving.deserialize_keras_object(config)
        read_weights(model, weights)
    return model
