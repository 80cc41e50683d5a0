"""`export.json`: what is in an exported folder, for programs and people."""

import json
from pathlib import Path

import keras

import keras_videogpt
from keras_videogpt.exporting.formats import CONDITIONS, FORMATS, GIVEN, LOOP
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE

NAME = "export.json"


def write_description(
    folder: Path, model: VQVAE | VideoGPT, format: str, functions: dict[str, dict]
) -> None:
    """Writes `export.json`.

    Args:
        folder: what was exported.
        model: the model it was exported from.
        format: a key of `FORMATS`.
        functions: what can be called, by name: `inputs` and `outputs`, and `file` if each has one.
    """
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    usage = [FORMATS[format].usage]
    description = {
        "format": format,
        "model": type(model).__name__,
        "keras_videogpt": keras_videogpt.__version__,
        "keras": keras.__version__,
        FORMATS[format].backend: version_of_backend(),
        "video_shape": tokenizer.video_shape,
        "codes_shape": tokenizer.codes_shape,
        "num_codes": tokenizer.num_codes,
        "pixels": "uint8 in [0, 255] is float in [-0.5, 0.5]: x / 255 - 0.5",
    }
    if isinstance(model, VideoGPT):
        description["conditions"] = model.conditions.taken
        if "prior_step" in functions:
            given = GIVEN if model.conditions.droppable else ""
            usage += [LOOP, (CONDITIONS + given).strip()] if model.conditions.taken else [LOOP]
    description |= {"functions": functions, "usage": usage}
    (folder / NAME).write_text(json.dumps(description, indent=2) + "\n")


def model_signature(model: keras.Model, batch_size: int | None = None) -> dict[str, dict]:
    """Inputs and outputs of a functional model, each a shape and a dtype by name."""

    def described(tensors):
        return {
            name: {
                "shape": [batch_size or "batch" if dim is None else dim for dim in tensor.shape],
                "dtype": tensor.dtype,
            }
            for name, tensor in tensors.items()
        }

    return {"inputs": described(model.input), "outputs": described(model.output)}


def saved_model_signatures(folder: Path) -> dict[str, dict]:
    """Inputs and outputs of the signatures of a SavedModel, read from its file."""
    from tensorflow import dtypes
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())

    def described(tensors):
        return {
            name: {
                "shape": ["batch" if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
                "dtype": dtypes.as_dtype(info.dtype).name,
            }
            for name, info in sorted(tensors.items())
        }

    return {
        name: {"inputs": described(signature.inputs), "outputs": described(signature.outputs)}
        for name, signature in sorted(saved.meta_graphs[0].signature_def.items())
        if not name.startswith("__")
    }


def version_of_backend() -> str:
    """The version of the backend in use."""
    import importlib

    return importlib.import_module(keras.backend.backend()).__version__
