import json
from pathlib import Path

import numpy as np

from keras_videogpt.paths import write_file
from keras_videogpt.training.file_lock import lock_file

SETTINGS = "settings.json"


class BatchResults:
    """What was computed of each batch, on disk: a killed computation goes on behind the last one.

    Every batch is a file, which is there complete or not at all. The folder keeps the settings that
    all of them depend on, and refuses others. While the object lives, no other process may write
    there.

    Args:
        folder: made if it isn't there.
        settings: what the results depend on, as JSON can say it.

    Raises:
        ValueError: the folder holds results of other settings or something else, or another process
            is at work there.

    Example:
        >>> results = BatchResults(Path("work"), {"seed": 0})
        >>> results.save("samples", 0, {"score": np.arange(3.0)})
        >>> results.save("samples", 3, {"score": np.arange(2.0)})
        >>> results.has("samples", 3), results.array("samples", "score").shape
        (True, (5,))
    """

    def __init__(self, folder: Path, settings: dict):
        self.folder = Path(folder)
        path = self.folder / SETTINGS
        settings = json.loads(json.dumps(settings))
        if path.exists():
            self._check_settings(json.loads(path.read_text()), settings)
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise ValueError(f"{self.folder} is a folder with other files; give a new one.")
        else:
            write_file(path, lambda file: file.write_text(json.dumps(settings, indent=2) + "\n"))
        try:
            self._lock = lock_file(path)
        except BlockingIOError:
            raise ValueError(f"Another process is at work in {self.folder}.") from None

    def _check_settings(self, there, given):
        for name in sorted(there.keys() | given.keys()):
            if there.get(name) != given.get(name):
                raise ValueError(
                    f"{self.folder} holds results with {name} {there.get(name)}; got "
                    f"{given.get(name)}. Give the same, or another folder."
                )

    def _path(self, name, start):
        return self.folder / f"{name}-{start:07d}.npz"

    def has(self, name: str, start: int) -> bool:
        """Whether a batch was computed.

        Args:
            name: what was computed.
            start: index of the batch's first clip.
        """
        return self._path(name, start).exists()

    def save(self, name: str, start: int, arrays: dict[str, np.ndarray]) -> None:
        """Keeps what was computed of a batch.

        Args:
            name: what was computed.
            start: index of the batch's first clip.
            arrays: by key, each with an axis of clips first.
        """

        def write(file):
            with file.open("wb") as opened:
                np.savez(opened, **arrays)

        write_file(self._path(name, start), write)

    def array(self, name: str, key: str, most: int | None = None) -> np.ndarray:
        """One array of all batches that have it, in the order of their clips.

        Args:
            name: what was computed.
            key: of the array.
            most: clips to read at most, from the first on; `None` for all.

        Returns:
            The array; of no clips and one axis where no batch has it.
        """
        parts, count = [], 0
        for path in sorted(self.folder.glob(f"{name}-*.npz")):
            if most is not None and count >= most:
                break
            with np.load(path, allow_pickle=False) as arrays:
                if key in arrays:
                    parts.append(arrays[key])
                    count += len(parts[-1])
        return np.concatenate(parts)[:most] if parts else np.zeros(0)
