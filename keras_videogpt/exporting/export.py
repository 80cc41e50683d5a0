import os
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_videogpt.exporting.description import (
    NAME,
    model_signature,
    saved_model_signatures,
    write_description,
)
from keras_videogpt.exporting.exported_models import exported_models
from keras_videogpt.exporting.formats import FORMATS, check_format
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.new_folder import check_free_folder, new_folder
from keras_videogpt.paths import local_path

# Of the arguments that only a SavedModel has.
UNSET = {"top_k": None, "top_p": None, "guidance": 1.0, "jit_compile": False}


def export(
    model: VQVAE | VideoGPT | str | os.PathLike,
    folder: str | os.PathLike,
    format: str = "tf_saved_model",
    overwrite: bool = False,
    batch_size: int | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    guidance: float = 1.0,
    jit_compile: bool = False,
) -> list[Path]:
    """Writes a model for programs that have neither this package nor, mostly, Python.

    A SavedModel samples by itself: see `export_saved_model`. The other formats hold no loop; they
    get a file each for the encoder, the decoder, one step of a prior's decoding, with its cache as
    input and output, and what the steps take of conditions. `export.json` beside them has the
    names, shapes and dtypes of inputs and outputs, and how the loop goes. All of them compute in
    float32, but for a SavedModel, which has the model's own dtypes.

    A format is written on the backend it needs: onnx, litert, openvino and tf_saved_model on
    tensorflow, torch on torch; if that is another one, in a process of its own.

    Args:
        model: a `VQVAE` or a `VideoGPT`, or the path of one, as `load` takes it.
        folder: a new or empty folder.
        format: `"tf_saved_model"`, `"onnx"`, `"litert"` (TensorFlow Lite), `"openvino"`, or
            `"torch"` (`torch.export`).
        overwrite: whether an export that is there is replaced.
        batch_size: number of clips, for programs that want it fixed; `None` for any. Not of
            SavedModels, which take any.
        top_k, top_p, guidance, jit_compile: of SavedModels of priors; see `export_saved_model`.

    Returns:
        Paths of the files that were written.

    Raises:
        ValueError: an argument is out of range, or not of this format; or the model is no model of
            ours.
        FileExistsError: the folder holds an export, and `overwrite` is False.
        ImportError: the format's backend, or a package it needs, is not installed.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> export(vqvae, "exported", format="caffe")
        Traceback (most recent call last):
        ValueError: format must be one of tf_saved_model, onnx, litert, ...; got 'caffe'.
    """
    backend = check_format(format).backend
    folder = local_path(folder, "folder")
    check_free_folder(folder, overwrite, NAME)
    if not isinstance(model, str | os.PathLike | VQVAE | VideoGPT):
        raise ValueError(
            f"model must be a VQVAE, a VideoGPT or the path of one; got {type(model).__name__}."
        )
    sampling = {
        "top_k": top_k,
        "top_p": top_p,
        "guidance": guidance,
        "jit_compile": jit_compile,
    }
    sampling = {name: value for name, value in sampling.items() if value != UNSET[name]}
    _check_options(format, batch_size, sampling)
    options: dict[str, Any] = {"format": format, "batch_size": batch_size, **sampling}
    with new_folder(folder, overwrite, NAME) as unfinished:
        if _here(backend):
            model = load(model, compile=False) if isinstance(model, str | os.PathLike) else model
            write_export(model, unfinished, **options)
        else:
            from keras_videogpt.exporting.own_process import export_in_own_process

            print(
                f"The format {format} needs the backend {backend}"
                f"{'' if backend != keras.backend.backend() else ' on the CPU'}: exporting in a "
                "process of its own.",
                flush=True,
            )
            export_in_own_process(backend, model, unfinished, **options)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_export(
    model: VQVAE | VideoGPT,
    folder: Path,
    format: str,
    batch_size: int | None = None,
    **sampling: Any,
) -> None:
    """Writes a model on the backend that this process has.

    Args:
        model: the model.
        folder: an empty folder.
        format, batch_size: as in `export`.
        **sampling: of `export_saved_model`.
    """
    if format == "tf_saved_model":
        if sampling and isinstance(model, VQVAE):
            raise ValueError(f"{' and '.join(sampling)} are of sampling; a VQVAE does not sample.")
        from keras_videogpt.exporting.saved_model import export_saved_model

        export_saved_model(model, folder, **sampling)
        write_description(folder, model, format, saved_model_signatures(folder))
        return
    functions = {}
    for name, part in exported_models(model).items():
        file = folder / f"{name}{FORMATS[format].suffix}"
        if format == "torch":
            from keras_videogpt.exporting.torch_program import write_torch_program

            write_torch_program(part, file, batch_size)
        else:
            from keras_videogpt.exporting.model_file import write_model_file

            write_model_file(part, file, format, batch_size)
        functions[name] = {"file": file.name, **model_signature(part, batch_size)}
    write_description(folder, model, format, functions)


def _check_options(format, batch_size, sampling):
    if format == "tf_saved_model" and batch_size is not None:
        raise ValueError("batch_size must be None: a tf_saved_model takes any number of clips.")
    if format != "tf_saved_model" and sampling:
        raise ValueError(
            f"{' and '.join(sampling)} can be fixed in a tf_saved_model alone; with the format "
            f"{format}, the program that calls the steps draws the codes."
        )
    if batch_size is not None:
        check_positive(batch_size=batch_size)


def _here(backend):
    """Whether this process can export on `backend`; programs of PyTorch are for the CPU."""
    if keras.backend.backend() != backend:
        return False
    return backend != "torch" or ops.zeros(()).device.type == "cpu"
