import os
import warnings
import zipfile

import keras

from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, local_copy
from keras_videogpt.training import training_optimizer  # noqa: F401  files name it


def load(path: str | os.PathLike) -> VQVAE | VideoGPT:
    """Loads a saved model, as the class it was saved as, on any backend.

    Nothing in the file is executed: Keras's safe mode is on.

    Args:
        path: a `.keras` file of a `VQVAE` or a `VideoGPT`, or a run folder that holds one; local,
            or an address such as `s3://bucket/runs/first`.

    Returns:
        The model, compiled with its optimizer if it was saved so.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not one of our models.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save("vqvae.keras")
        >>> load("vqvae.keras").num_codes
        32
    """
    path = as_path(path)
    if path.is_dir():
        candidates = [path / name for name in ("videogpt.keras", "vqvae.keras")]
        found = [candidate for candidate in candidates if candidate.exists()]
        if not found:
            raise FileNotFoundError(
                f"{path} holds no trained model: neither videogpt.keras nor vqvae.keras."
            )
        path = found[0]
    if not path.exists():
        raise FileNotFoundError(f"There is no model file {path}.")
    with local_copy(path) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} is not a Keras model file (.keras).")
        try:
            with warnings.catch_warnings():
                # An optimizer that was saved before its first step has no state to miss.
                warnings.filterwarnings("ignore", ".*the saved optimizer has 2 variables")
                model = keras.saving.load_model(file)
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ValueError(f"{path} could not be loaded as a Keras model: {reason}") from error
    if not isinstance(model, VQVAE | VideoGPT):
        raise ValueError(f"{path} holds a {type(model).__name__}, and not a VQVAE or a VideoGPT.")
    return model
