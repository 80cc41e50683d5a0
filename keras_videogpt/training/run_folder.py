import json
import os
from pathlib import Path

import keras

from keras_videogpt.models.load import load
from keras_videogpt.paths import as_path, is_remote, write_file
from keras_videogpt.training.run_mirror import RunMirror

KEPT_CHECKPOINTS = 2


class RunFolder:
    """A folder that holds one training run, and everything needed to go on with it.

    `config.json` says what is trained on what; `checkpoints/` holds the newest states, each one
    `.keras` file with model and optimizer; `NAME.keras` is the newest model; `logs/` is for
    TensorBoard; pictures have folders of their own. A remote run is written to a local folder,
    which is sent by `upload`, see `RunMirror`.

    Args:
        folder: the folder, local or remote; made if need be.
        config: JSON-able settings that must not change between parts of a run.
        model_name: name of the model file, without `.keras`.

    Attributes:
        address: where the run is, as given.
        folder: where it is written on this machine.

    Raises:
        ValueError: the folder holds a run with other settings, or files that are no run.

    Example:
        >>> run = RunFolder("runs/first", {"kind": "vqvae", "num_codes": 256}, "vqvae")
        >>> run.latest_step()
        0
    """

    def __init__(self, folder: str | os.PathLike, config: dict, model_name: str):
        self.address = as_path(folder)
        self.config = json.loads(json.dumps(config))
        self._claim()
        self.mirror = RunMirror(self.address) if is_remote(self.address) else None
        self.folder = self.mirror.folder if self.mirror else self.address
        self.checkpoints = self.folder / "checkpoints"
        self.logs = self.folder / "logs"
        self.model_path = self.folder / f"{model_name}.keras"
        self.checkpoints.mkdir(exist_ok=True)
        for left in self.checkpoints.glob(".writing-*"):  # by a process that was killed
            left.unlink()

    def _claim(self):
        path = self.address / "config.json"
        if path.exists():
            there = json.loads(path.read_text())
            different = [
                f"{key} is {there.get(key)!r} there and {self.config.get(key)!r} here"
                for key in sorted({*there, *self.config})
                if there.get(key) != self.config.get(key)
            ]
            if different:
                raise ValueError(
                    f"{self.address} holds a run with another configuration: "
                    + "; ".join(different)
                    + ". Choose another --out, or the settings of that run."
                )
            return
        if self.address.is_dir() and any(self.address.iterdir()):
            raise ValueError(
                f"{self.address} is not empty and holds no run (no config.json). "
                "Choose another --out."
            )
        text = json.dumps(self.config, indent=2) + "\n"
        write_file(path, lambda file: file.write_text(text))

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
        write_file(checkpoint, model.save)
        self.model_path.unlink(missing_ok=True)
        os.link(checkpoint, self.model_path)
        for old in self._steps()[:-KEPT_CHECKPOINTS]:
            self._checkpoint(old).unlink()

    def upload(self) -> None:
        """Sends what is new to a remote run; a local one is where it should be."""
        if self.mirror:
            self.mirror.upload()

    def close(self) -> None:
        """Ends the writing: a remote run is sent, and `folder` removed."""
        if self.mirror:
            self.mirror.close()
