"""Paths of files, on this machine and elsewhere (s3://, gs://, ...)."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_videogpt.data.optional import optional_import

# How the names of files begin that are being written.
UNFINISHED = ".writing-"


def as_path(path: str | os.PathLike) -> Path:
    """A path, local or remote, with the methods of `pathlib.Path`.

    Args:
        path: a local path, or the address of a file or folder on any file system that fsspec
            reads, such as `"s3://bucket/videos"` or `"gs://bucket/runs/first"`.

    Returns:
        A `Path`, for `file://` too, or a `UPath`, which has its methods, where there is a protocol.

    Raises:
        ImportError: the package for remote paths, or for this protocol, is missing.
        ValueError: a protocol that fsspec does not know.

    Example:

    >>> as_path("videos/train").name
    'train'
    >>> as_path("memory://videos/train").name
    'train'
    """
    if isinstance(path, os.PathLike):
        return Path(path)
    if not isinstance(path, str):
        return path
    if not re.match(r"\w[\w+.-]+://", path):
        return Path(path)
    path = optional_import("upath", "remote").UPath(path)
    return Path(path) if isinstance(path, os.PathLike) else path


def is_remote(path: Path) -> bool:
    """Whether a path of `as_path` is on no file system of this machine.

    Args:
        path: what `as_path` returned.

    Returns:
        The answer.

    Example:

    >>> is_remote(as_path("memory://videos"))
    True
    """
    return not isinstance(path, Path)


def local_path(path: str | os.PathLike, name: str) -> Path:
    """A path on this machine, for what is not written elsewhere.

    Args:
        path: a path, or a `file://` one.
        name: of the argument, for the error.

    Returns:
        A `Path`.

    Raises:
        ValueError: the path is remote.

    Example:

    >>> local_path("file:///data/tokens", "out").name
    'tokens'
    """
    given = as_path(path)
    if is_remote(given):
        raise ValueError(f"{name} must be on this machine; got {path}.")
    return given


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """A file as one of this machine, for what reads no other; remote ones are downloaded.

    Args:
        path: what `as_path` returned.

    Yields:
        The path itself, or that of a copy which is there until the end of the context.

    Example:

    >>> with local_copy(as_path("s3://bucket/runs/first/vqvae.keras")) as file:
    ...     model = keras.saving.load_model(file)
    """
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        remote: Any = path
        remote.fs.get_file(remote.path, str(copy))
        yield copy


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file so that it is there complete or not at all, replacing what was there.

    Args:
        path: what `as_path` returned; its folder is made if need be.
        write: called with a path on this machine, of the same suffix, to write to.

    Example:

    >>> write_file(as_path("notes.txt"), lambda file: file.write_text("done"))
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / path.name
            write(file)
            upload(file, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        write(hidden)
        os.replace(hidden, path)
    finally:
        hidden.unlink(missing_ok=True)


def upload(file: Path, path: Any) -> None:
    """Copies a file to a remote path, where it takes its name once it is complete.

    Args:
        file: the file on this machine.
        path: where it goes.

    Example:

    >>> upload(Path("vqvae.keras"), as_path("s3://bucket/vqvae.keras"))
    """
    hidden = path.with_name(f"{UNFINISHED}{path.name}")
    path.fs.makedirs(path.parent.path, exist_ok=True)
    path.fs.put_file(str(file), hidden.path)
    path.fs.mv(hidden.path, path.path)
