"""Which backend Keras gets, settled before anything imports Keras."""

import contextlib
import importlib.util
import os
import sys
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")


def choose_backend() -> None:
    """`set_backend`; in the command, with clean messages: errors are one line, with status 2."""
    try:
        set_backend()
        if _is_command() and _is_installed("tensorflow"):
            backend = os.environ.get("KERAS_BACKEND", _configured_backend())
            _import_tensorflow_quietly(backend == "tensorflow" and not _is_distributed())
    except ImportError as error:
        if not _is_command():
            raise
        print(f"keras-videogpt: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def set_backend() -> None:
    """Sets `KERAS_BACKEND` where that is still open, and tells how to install what is missing.

    `--backend` of the command `keras-videogpt` decides, then the variable `KERAS_BACKEND`, then
    Keras's own configuration; a configured backend that is not installed gives way to one that is.

    Raises:
        ImportError: the backend asked for is not installed, or none is.
    """
    if "keras" in sys.modules:
        return
    asked = _backend_of_command() or os.environ.get("KERAS_BACKEND")
    if asked:
        if asked in BACKENDS:
            check_installed(asked)
            os.environ["KERAS_BACKEND"] = asked
        return
    configured = _configured_backend()
    installed = [backend for backend in BACKENDS if _is_installed(backend)]
    if not installed:
        raise ImportError(
            "Keras needs a backend, and none is installed. Install one with one of: "
            + ", ".join(f'pip install "keras_videogpt[{backend}]"' for backend in BACKENDS)
        )
    if configured not in installed:
        os.environ["KERAS_BACKEND"] = installed[0]


def _import_tensorflow_quietly(first_operation: bool) -> None:
    """Imports TensorFlow without its greeting, which TF_CPP_MIN_LOG_LEVEL does not stop.

    The command's stderr is for errors and progress. Keras imports TensorFlow where it is installed,
    whatever the backend. An operation would then take the memory of a GPU, and devices and workers
    can't be set up after one; it is left out there.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            if first_operation:  # it greets too
                tf.zeros(())
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def check_installed(backend: str) -> None:
    """Raises `ImportError` with the command to install `backend`, unless it is there."""
    if not _is_installed(backend):
        raise ImportError(
            f"The backend {backend!r} is not installed. Install it with: "
            f'pip install "keras_videogpt[{backend}]"'
        )


def _is_installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None


def _backend_of_command() -> str | None:
    """The value of `--backend`, if this process is the command and not a user's program."""
    arguments = sys.orig_argv
    if not _is_command():
        return None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == "--backend" and following in BACKENDS:
            return following
        if argument.startswith("--backend=") and argument.partition("=")[2] in BACKENDS:
            return argument.partition("=")[2]
    return None


def _is_distributed() -> bool:
    """Whether this process is to set up several devices or workers."""
    asked = any(argument.partition("=")[0] == "--distribute" for argument in sys.orig_argv)
    return asked or "TF_CONFIG" in os.environ


def _is_command() -> bool:
    """Whether this process is the command `keras-videogpt`, by either of its names."""
    arguments = sys.orig_argv
    as_module = ("-m", "keras_videogpt") in zip(arguments, arguments[1:], strict=False)
    return as_module or Path(sys.argv[0] if sys.argv else "").stem == "keras-videogpt"


def _configured_backend() -> str:
    """The backend of Keras's own configuration file, TensorFlow without one."""
    import json

    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((home / "keras.json").read_text()).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"


def without_gradients() -> contextlib.AbstractContextManager:
    """Within it, computing outside of compiled functions keeps nothing for gradients."""
    import keras

    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()
