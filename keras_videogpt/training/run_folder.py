import json
import math
import os
import warnings
import zipfile
import zlib
from functools import partial
from pathlib import Path

import keras

from keras_videogpt.models.load import load
from keras_videogpt.paths import UNFINISHED, as_path, is_remote, write_file
from keras_videogpt.training.file_lock import lock_file
from keras_videogpt.training.run_mirror import RunMirror
from keras_videogpt.training.weight_averages import averaged, averages


class RunFolder:
    """A folder that holds one training run, and everything needed to go on with it.

    `config.json` says what is trained on what; `checkpoints/` holds the newest states and the one
    with the lowest validation loss, each one `.keras` file with model and optimizer; `losses.json`
    has the validation losses by step; `NAME.keras` is the newest model, with the averages of the
    weights where the optimizer keeps some; `logs/` is for TensorBoard; pictures have folders of
    their own. A remote run is written to a local folder, which is sent by `upload`, see
    `RunMirror`. One process at a time has a local run, until `close`.

    A damaged checkpoint, as of a full disk, is passed over with a warning, and kept as
    `damaged-...`.

    Args:
        folder: the folder, local or remote; made if need be.
        config: JSON-able settings that must not change between parts of a run.
        model_name: name of the model file, without `.keras`.
        keep: how many of the newest checkpoints are kept, at least 1.
        writes: `False` for processes that train together with the one that writes the run: they
            begin with its newest checkpoint, and what they write is dropped at the end.

    Attributes:
        address: where the run is, as given.
        folder: where it is written on this machine.

    Raises:
        ValueError: the folder holds a run with other settings, or files that are no run; or another
            process writes to it.

    Example:
        >>> run = RunFolder("runs/first", {"kind": "vqvae", "num_codes": 256}, "vqvae")
        >>> run.latest_step()
        0
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        config: dict,
        model_name: str,
        keep: int = 2,
        writes: bool = True,
    ):
        self.address = as_path(folder)
        self.config = json.loads(json.dumps(config))
        self.keep = keep
        self._claim(writes)
        mirrored = is_remote(self.address) or not writes
        self.mirror = RunMirror(self.address, sends=writes) if mirrored else None
        self.folder = self.mirror.folder if self.mirror else self.address
        self._lock = None if self.mirror else self._locked()
        self.checkpoints = self.folder / "checkpoints"
        self.logs = self.folder / "logs"
        self.model_path = self.folder / f"{model_name}.keras"
        self.losses_path = self.folder / "losses.json"
        self.checkpoints.mkdir(exist_ok=True)
        for left in self.folder.rglob(f"{UNFINISHED}*"):  # by a process that was killed
            left.unlink()
        self._set_aside_damaged()

    def _claim(self, writes):
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
        if not writes:
            return
        begun = self.address.iterdir() if self.address.is_dir() else ()
        if any(not file.name.startswith(UNFINISHED) for file in begun):
            raise ValueError(
                f"{self.address} is not empty and holds no run (no config.json). "
                "Choose another --out."
            )
        text = json.dumps(self.config, indent=2) + "\n"
        write_file(path, lambda file: file.write_text(text))

    def _locked(self):
        try:
            return lock_file(self.folder / "config.json")
        except BlockingIOError:
            raise ValueError(
                f"Another process trains the run in {self.address}. Choose another --out."
            ) from None

    def _set_aside_damaged(self):
        while steps := self._steps():
            newest = self.checkpoint(steps[-1])
            if is_intact(newest):
                return
            aside = newest.with_name(f"damaged-{newest.name}")
            os.replace(newest, aside)
            warnings.warn(
                f"{newest} is damaged and passed over; it is kept as {aside.name}.", stacklevel=3
            )

    def _steps(self) -> list[int]:
        return sorted(
            int(path.stem.split("-")[1]) for path in self.checkpoints.glob("step-*.keras")
        )

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step is, or would be."""
        return self.checkpoints / f"step-{step:08d}.keras"

    def latest_step(self) -> int:
        """Training steps behind the newest checkpoint; 0 before the first."""
        return max(self._steps(), default=0)

    def losses(self) -> dict[int, float]:
        """Validation losses by step."""
        if not self.losses_path.exists():
            return {}
        return {int(s): loss for s, loss in json.loads(self.losses_path.read_text()).items()}

    def best_step(self) -> int | None:
        """The checkpoint with the lowest validation loss; `None` where none has one."""
        losses = self.losses()
        steps = (step for step in self._steps() if step in losses)
        return min(steps, key=lambda step: losses[step], default=None)

    def load_latest(self) -> keras.Model:
        """The newest checkpoint, with its optimizer.

        Raises:
            ValueError: it could not be loaded as it was saved.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
            return load(self.checkpoint(self.latest_step()))

    def save(self, model: keras.Model, step: int, loss: float | None = None) -> None:
        """Saves the model and a checkpoint, each complete or not at all; then drops older ones.

        The checkpoint comes last, so that a run that has it has what belongs to it. What was
        written before it by a process that was killed is written again by the run that goes on.

        Args:
            model: the model.
            step: training steps behind it.
            loss: its validation loss.
        """
        if loss is not None and math.isfinite(loss):
            text = json.dumps({**self.losses(), step: float(loss)}, indent=2) + "\n"
            write_file(self.losses_path, lambda file: file.write_text(text))
        with averaged(model):
            write_file(self.model_path, model.save)
        same = averages(model) is None
        link = partial(os.link, self.model_path)
        write_file(self.checkpoint(step), link if same else model.save)
        for old in {*self._steps()[: -self.keep]} - {self.best_step()}:
            self.checkpoint(old).unlink()

    def upload(self) -> None:
        """Sends what is new to a remote run; a local one is where it should be."""
        if self.mirror:
            self.mirror.upload()

    def close(self) -> None:
        """Ends the writing: a remote run is sent, and `folder` removed; a local one is unlocked."""
        if self.mirror:
            self.mirror.close()
        if self._lock:
            self._lock.close()


def is_intact(file: Path) -> bool:
    """Whether a file is a zip archive, as `.keras` files are, with all that was written to it.

    Args:
        file: a file of this machine; all of it is read.

    Example:
        >>> file = Path("vqvae.keras")
        >>> file.touch()
        >>> is_intact(file)
        False
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False
