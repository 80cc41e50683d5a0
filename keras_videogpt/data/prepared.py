"""Where the data sets that were prepared on this machine are."""

import json
import os
from pathlib import Path

from keras_videogpt.paths import write_file


def cache_folder() -> Path:
    """What is remembered between runs, outside of data sets.

    Returns:
        `$KERAS_VIDEOGPT_CACHE`, or `~/.cache/keras_videogpt` where that is not set.

    Example:
        >>> folder = cache_folder()
    """
    given = os.environ.get("KERAS_VIDEOGPT_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "keras_videogpt"


def prepared_folders() -> dict[str, Path]:
    """The folders of the data sets that were prepared, by the name of the preset.

    Returns:
        A dictionary; folders that are no longer there are left out.

    Example:
        >>> folder = prepared_folders().get("moving_mnist")
    """
    try:
        folders = json.loads(_record().read_text())
    except (OSError, ValueError):
        return {}
    return {name: Path(folder) for name, folder in folders.items() if Path(folder).is_dir()}


def remember_folder(name: str, folder: Path) -> None:
    """Remembers where a data set was prepared, so that its name finds it.

    Args:
        name: name of the preset.
        folder: its folder.

    Raises:
        OSError: the `cache_folder` cannot be written.
    """
    folders = {name: str(folder) for name, folder in prepared_folders().items()}
    text = json.dumps({**folders, name: str(folder.resolve())}, indent=2)
    _record().parent.mkdir(parents=True, exist_ok=True)
    write_file(_record(), lambda path: path.write_text(text + "\n"))


def _record() -> Path:
    return cache_folder() / "prepared.json"
