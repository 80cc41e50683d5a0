"""Files that are there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file under a hidden name first, so that a killed run leaves no half of one.

    Args:
        path: the file, replaced.
        write: writes to the path it is given, which has the same extension.

    Example:

    >>> write_atomically(Path("note.txt"), lambda path: path.write_text("whole"))
    """
    hidden = path.with_name(f".{path.name}")
    write(hidden)
    os.replace(hidden, path)
