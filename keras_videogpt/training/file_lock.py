from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]


def lock_file(path: Path) -> IO:
    """Locks a file, until the process ends, however it does, or what is returned is closed.

    Args:
        path: a file of this machine; it stays as it is.

    Returns:
        The open file.

    Raises:
        BlockingIOError: another process, or this one, has locked it already.

    Example:
        >>> path = Path("config.json")
        >>> path.touch()
        >>> with lock_file(path):
        ...     print("nobody else trains this run")
        nobody else trains this run
    """
    file = open(path, "r+")
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
        except OSError:  # a file system without locks
            pass
    return file
