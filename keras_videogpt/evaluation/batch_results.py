import json
from pathlib import Path

import numpy as np

from keras_videogpt.paths import UNFINISHED, write_file
from keras_videogpt.training.file_lock import lock_file

SETTINGS, LOCK = "settings.json", "lock"


class BatchResults:
    """What was computed of each batch, on disk: a killed computation goes on behind the last one.

    Every batch is a file, which is there complete or not at all. The folder keeps the settings that
    all of them depend on, and refuses others. Within its context, nobody else can work there.

    Args:
        folder: made if it isn't there.
        settings: what the results depend on, as JSON can say it.

    Raises:
        ValueError: the folder holds results of other settings or something else, or somebody else
            is at work there.

    Example:
        >>> with BatchResults(Path("work"), {"seed": 0}) as results:
        ...     results.save("samples", 0, {"score": np.arange(3.0)})
        ...     results.save("samples", 3, {"score": np.arange(2.0)})
        ...     results.has("samples", 3), results.array("samples", "score").shape
        (True, (5,))
    """

    def __init__(self, folder: Path, settings: dict):
        self.folder = Path(folder)
        self._settings = json.loads(json.dumps(settings))
        path, lock = self.folder / SETTINGS, self.folder / LOCK
        if self.folder.exists() and not path.exists():
            names = [file.name for file in self.folder.iterdir()]
            if any(name != LOCK and not name.startswith(UNFINISHED) for name in names):
                raise ValueError(f"{self.folder} is a folder with other files; give a new one.")
        self.folder.mkdir(parents=True, exist_ok=True)
        lock.touch()
        try:
            self._lock = lock_file(lock)
        except BlockingIOError:
            raise ValueError(f"Somebody else is at work in {self.folder}.") from None
        if path.exists():
            self._check_settings(json.loads(path.read_text()), self._settings)
        else:
            text = json.dumps(self._settings, indent=2) + "\n"
            write_file(path, lambda file: file.write_text(text))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._lock.close()

    def _check_settings(self, there, given):
        for name in sorted(there.keys() | given.keys()):
            if there.get(name) != given.get(name):
                self._lock.close()
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
