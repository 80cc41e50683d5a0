import sys

import keras
from tqdm import tqdm

from keras_videogpt.callbacks.callback_list import as_numbers
from keras_videogpt.callbacks.run_status import RunStatus
from keras_videogpt.training.status_text import numbers, time_left


class RunProgress(keras.callbacks.Callback):
    """The progress of a whole run: a bar with the time left, and a line after each epoch.

    Args:
        run_status: the run's `RunStatus` callback, before this one in the list.
        bar: whether there is a bar; for terminals.
    """

    def __init__(self, run_status: RunStatus, bar: bool = True):
        super().__init__()
        self.status = run_status.status
        self.has_bar = bar
        self.bar = None

    def on_train_begin(self, logs=None):
        self.bar = tqdm(
            desc="training",
            unit="step",
            initial=self.status.step,
            total=self.status.steps,
            smoothing=0,  # the mean rate, so that validation and pictures count
            mininterval=0.5,
            disable=not self.has_bar,
        )

    def on_train_batch_end(self, batch, logs=None):
        if self.bar.update(self.status.step - self.bar.n):  # drawn just now
            self.bar.set_postfix_str(numbers(as_numbers({"loss": logs["loss"]})), refresh=False)

    def on_epoch_end(self, epoch, logs=None):
        status = self.status
        training = {k: value for k, value in logs.items() if not k.startswith("val_")}
        validation = {k[4:]: value for k, value in logs.items() if k.startswith("val_")}
        parts = [f"step {status.step:,} of {status.steps:,}: {numbers(training)}"]
        parts += [f"validation: {numbers(validation)}"] if validation else []
        self.bar.write("; ".join(parts + time_left(status)), file=sys.stdout)

    def on_train_end(self, logs=None):
        self.bar.close()
