import json
import os
from pathlib import Path

import keras

from keras_videogpt.models.load import load

KEPT_CHECKPOINTS = 2


class RunFolder:
    """A folder that holds one training run, and everything needed to go on with it.

    `config.json` says what is trained on what; `checkpoints/` holds the newest states, each one
    `.keras` file with model and optimizer; `NAME.keras` is the newest model; `logs/` is for
    TensorBoard; pictures have folders of their own.

    Args:
        folder: the folder; made if need be.
        config: JSON-able settings that must not change between parts of a run.
        model_name: name of the model file, without `.keras`.

    Raises:
        ValueError: the folder holds a run with other settings, or files that are no run.

    Example:
        >>> run = RunFolder("runs/first", {"kind": "vqvae", "num_codes": 256}, "vqvae")
        >>> run.latest_step()
        0
    """

    def __init__(self, folder: str | os.PathLike, config: dict, model_name: str):
        self.folder = Path(folder)
        self.checkpoints = self.folder / "checkpoints"
        self.logs = self.folder / "logs"
        self.model_path = self.folder / f"{model_name}.keras"
        self.config = json.loads(json.dumps(config))
        self._claim()

    def _claim(self):
        path = self.folder / "config.json"
        if path.exists():
            there = json.loads(path.read_text())
            different = [
                f"{key} is {there.get(key)!r} there and {self.config.get(key)!r} here"
                for key in sorted({*there, *self.config})
                if there.get(key) != self.config.get(key)
            ]
            if different:
                raise ValueError(
                    f"{self.folder} holds a run with another configuration: "
                    + "; ".join(different)
                    + ". Choose another --out, or the settings of that run."
                )
            return
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise ValueError(
                f"{self.folder} is not empty and holds no run (no config.json). "
                "Choose another --out."
            )
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        _write(path, lambda p: p.write_text(json.dumps(self.config, indent=2) + "\n"))

    def _steps(self) -> list[int]:
        return sorted(
            int(path.stem.split("-")[1]) for path in self.checkpoints.glob("step-*.keras")
        )

    def _checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.keras"

    def latest_step(self) -> int:
        """Training steps behind the newest checkpoint; 0 before the first."""
        return max(self._steps(), default=0)

    def load_latest(self) -> keras.Model:
        """The newest checkpoint, with its optimizer."""
        return load(self._checkpoint(self.latest_step()))

    def save(self, model: keras.Model, step: int) -> None:
        """Saves a checkpoint, complete or not at all, and then drops older ones."""
        checkpoint = self._checkpoint(step)
        _write(checkpoint, model.save)
        self.model_path.unlink(missing_ok=True)
        os.link(checkpoint, self.model_path)
        for old in self._steps()[:-KEPT_CHECKPOINTS]:
            self._checkpoint(old).unlink()


def _write(path: Path, write) -> None:
    """Has `write` make a file beside `path`, which then takes its place in one move."""
    temporary = path.with_name(f".writing-{path.name}")
    write(temporary)
    os.replace(temporary, path)
