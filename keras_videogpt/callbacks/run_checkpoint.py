import math

import keras

from keras_videogpt.training.run_folder import RunFolder


class RunCheckpoint(keras.callbacks.Callback):
    """Saves a run's checkpoint at the end of every epoch, and stops a run that has diverged.

    Args:
        run: the run's folder.
        first_step: training steps done before this part of the run.

    Raises:
        FloatingPointError: the loss is no longer finite; nothing of that epoch is saved.
    """

    def __init__(self, run: RunFolder, first_step: int = 0):
        super().__init__()
        self.run = run
        self.step = first_step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"The loss became {logs['loss']} by step {self.step}. The checkpoint of step "
                f"{self.run.latest_step()} is kept; try a lower --learning-rate."
            )

    def on_epoch_end(self, epoch, logs=None):
        self.run.save(self.model, self.step)
