"""Folders of many files that are there complete or not at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_videogpt.paths import UNFINISHED


@contextmanager
def new_folder(folder: Path, overwrite: bool, mark: str) -> Iterator[Path]:
    """A folder beside another, whose place it takes at the end of the context.

    Args:
        folder: where it goes: nothing, an empty folder, or, to overwrite, one with `mark`.
        overwrite: whether a folder that is there may be replaced.
        mark: a file that only folders of this kind have; no others are ever replaced.

    Yields:
        The empty folder to write to. After an error nothing of it is left.

    Raises:
        FileExistsError: the folder has files and may not be replaced.
        ValueError: the folder is of another kind, or a file.

    Example:
        >>> with new_folder(Path("served"), overwrite=False, mark="export.json") as folder:
        ...     _ = (folder / "export.json").write_text("{}")
        >>> [file.name for file in Path("served").iterdir()]
        ['export.json']
    """
    folder = folder.resolve()
    check_free_folder(folder, overwrite, mark)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder.parent) as scratch:
        hidden, old = Path(scratch) / "new", Path(scratch) / "old"
        hidden.mkdir()
        yield hidden
        # Something may have come meanwhile.
        check_free_folder(folder, overwrite, mark)
        if folder.exists():
            folder.rename(old)
        try:
            hidden.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise


def check_free_folder(folder: Path, overwrite: bool, mark: str) -> None:
    """Raises an error unless `new_folder` may write there."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is a file, where a folder is needed.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / mark).exists():
        raise ValueError(
            f"{str(folder)!r} holds other files (it has no {mark}), and is not replaced; "
            "take another folder."
        )
    if not overwrite:
        raise FileExistsError(
            f"{str(folder)!r} is there already; take another folder, or replace it with "
            "--overwrite (overwrite=True)."
        )
