import contextlib
import time

import keras

from keras_videogpt.callbacks.callback_list import as_numbers
from keras_videogpt.callbacks.throughput import Throughput
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.status import Status


class RunStatus(keras.callbacks.Callback):
    """Keeps `status.json` of a run up to date, for `keras-videogpt watch`.

    After `RunCheckpoint`.

    Args:
        run: the run's folder.
        steps: training steps of the whole run.
        first_step: training steps done before this part of the run.
        throughput: how the speed is measured.
        seconds: between two writings.
    """

    def __init__(
        self,
        run: RunFolder,
        steps: int,
        first_step: int = 0,
        throughput: Throughput | None = None,
        seconds: float = 2.0,
    ):
        super().__init__()
        self.run = run
        self.epoch_start = first_step
        self.first_step_done: tuple[int, float] | None = None
        self.throughput = throughput or Throughput()
        self.seconds = seconds
        self.status = Status(first_step, steps)
        self._note_checkpoints()

    def on_train_begin(self, logs=None):
        self._write()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_start = self.status.step
        self.throughput.stop()

    def on_train_batch_end(self, batch, logs=None):
        status = self.status
        status.step = self.epoch_start + batch + 1
        if not self.throughput.started:
            self.throughput.start(status.step)
        if self.first_step_done is None:  # it compiles, and does not count
            self.first_step_done = status.step, time.monotonic()
        if time.time() - status.written < self.seconds:
            return
        status.values = as_numbers(logs)
        status.speed = self.throughput.read(status.step) or status.speed
        self._write()

    def on_test_begin(self, logs=None):
        self._write(phase="validating")

    def on_test_end(self, logs=None):
        self._write(phase="saving")

    def on_epoch_end(self, epoch, logs=None):
        self.status.values = as_numbers(logs)
        self._note_checkpoints()
        self._write(phase="training")

    def _note_checkpoints(self):
        self.status.checkpoint = self.run.latest_step()
        best = self.run.best_step()
        self.status.best = {"step": best, "loss": self.run.losses()[best]} if best else {}

    def _seconds_left(self) -> float | None:
        """What is left at the mean rate, with the time for validation and pictures in it."""
        if self.first_step_done is None or self.first_step_done[0] == self.status.step:
            return None
        step, start = self.first_step_done
        seconds_per_step = (time.monotonic() - start) / (self.status.step - step)
        return seconds_per_step * (self.status.steps - self.status.step)

    def _write(self, phase="training"):
        self.status.phase = phase
        self.status.seconds_left = self._seconds_left()
        # A full disk is to stop the run at a checkpoint, not here.
        with contextlib.suppress(OSError):
            self.status.write(self.run.folder)
