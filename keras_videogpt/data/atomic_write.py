import os
from collections.abc import Callable
from pathlib import Path

UNFINISHED = ".writing-"


def atomic_write(path: str | os.PathLike, write: Callable[[Path], object]) -> None:
    """Has a file written beside its place, which it takes whole: a killed run leaves no half of it.

    Args:
        path: the file; one of that name is replaced.
        write: writes the file of the path that it is given, of the same extension.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "note.txt"
        >>> atomic_write(path, lambda file: file.write_text("whole"))
        >>> path.read_text()
        'whole'
    """
    path = Path(path)
    temporary = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
