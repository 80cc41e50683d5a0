"""Exporting on another backend than this process has: Keras takes one for a whole process."""

import builtins
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import keras_videogpt
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE

# A processor is enough, and the GPU is this process's.
ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "", "KERAS_TORCH_DEVICE": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}


def export_in_own_process(
    backend: str, model: VQVAE | VideoGPT | str | os.PathLike, folder: Path, **options: Any
) -> None:
    """Calls `write_export` in a process of its own.

    Args:
        backend: of that process.
        model: a model, or where it is saved.
        folder: as in `write_export`.
        **options: of `write_export`, that JSON knows.

    Raises:
        Exception: what went wrong there, of the same type where it is one of Python's own.
        RuntimeError: it was not Python's own, or the process ended without a word.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if isinstance(model, VQVAE | VideoGPT):
            file = Path(scratch) / "model.keras"
            model.save(file)
        else:
            file = model
        failure = Path(scratch) / "failure.json"
        task = {"model": str(file), "folder": str(folder), "options": options}
        root = str(Path(keras_videogpt.__file__).parents[1])
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        ended = subprocess.run(
            [sys.executable, "-m", __name__, str(failure), json.dumps(task)],
            env={**os.environ, **ENVIRONMENT, "KERAS_BACKEND": backend, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        if failure.exists():
            raise _error(**json.loads(failure.read_text()))
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RuntimeError(f"The export's process ended with {ended.returncode}: {last}")


def _error(kind: str, message: str, trace: str) -> Exception:
    known = getattr(builtins, kind, None)
    if not (isinstance(known, type) and issubclass(known, Exception)):
        known, message = RuntimeError, f"{kind}: {message}"
    try:
        error = known(message)
    except TypeError:  # one that takes more than a message
        error = RuntimeError(f"{kind}: {message}")
    error.add_note(f"In the process that exported:\n{trace}")
    return error


def main(failure: str, task: str) -> int:
    """Does what another process asks for, and leaves a file about what went wrong, if it did."""
    from keras_videogpt.exporting.export import write_export
    from keras_videogpt.models.load import load

    task = json.loads(task)
    try:
        write_export(load(task["model"], compile=False), Path(task["folder"]), **task["options"])
    except Exception as error:
        report = {
            "kind": type(error).__name__,
            "message": str(error),
            "trace": traceback.format_exc(),
        }
        Path(failure).write_text(json.dumps(report))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
