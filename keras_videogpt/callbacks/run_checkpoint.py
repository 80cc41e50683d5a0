import math
from collections.abc import Callable
from itertools import chain

import keras

from keras_videogpt.training.run_folder import RunFolder

NAMED_CLIPS = 8


class RunCheckpoint(keras.callbacks.Callback):
    """Saves a run's checkpoint at the end of every epoch, and stops a run that has diverged.

    After callbacks that write what belongs to the checkpoint, such as logs: a run that goes on
    from it does not write them again.

    Args:
        run: the run's folder.
        first_step: training steps done before this part of the run.
        clip_names: gives the names of the clips that a step trains on, from 0.
        every: how many losses are looked at together, for each look waits for the device.

    Raises:
        FloatingPointError: the loss is no longer finite; nothing of that epoch is saved.
    """

    def __init__(
        self,
        run: RunFolder,
        first_step: int = 0,
        clip_names: Callable[[int], list[str]] | None = None,
        every: int = 20,
    ):
        super().__init__()
        self.run = run
        self.step = first_step
        self.clip_names = clip_names
        self.every = every
        self._epoch_start = first_step
        self._losses = []

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_start = self.step

    def on_train_batch_end(self, batch, logs=None):
        # One call for several batches where `steps_per_execution` says so: `batch` is the last.
        before, self.step = self.step, self._epoch_start + batch + 1
        self._losses.append((range(before, self.step), logs["loss"]))
        if len(self._losses) >= self.every:
            self._check()

    def on_test_begin(self, logs=None):
        self._check()

    def on_epoch_end(self, epoch, logs=None):
        self._check()
        self.run.save(self.model, self.step, (logs or {}).get("val_loss"))

    def _check(self):
        losses, self._losses = self._losses, []
        # Means since the epoch began: once one isn't finite, none after it is.
        if not losses or math.isfinite(losses[-1][1]):
            return
        steps, loss = next(pair for pair in losses if not math.isfinite(pair[1]))
        names = []
        if self.clip_names:
            names = [*dict.fromkeys(chain.from_iterable(map(self.clip_names, steps)))]
        shown = names[:NAMED_CLIPS] + ["..."] * (len(names) > NAMED_CLIPS)
        raise FloatingPointError(
            f"The loss became {float(loss)} by step {steps[-1] + 1}"
            + (f", with the clips {', '.join(shown)}" if shown else "")
            + f". The checkpoint of step {self.run.latest_step()} is kept; "
            "try a lower --learning-rate."
        )
