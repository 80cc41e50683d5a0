import keras

from keras_videogpt.training.run_folder import RunFolder


class RunCheckpoint(keras.callbacks.Callback):
    """Saves a run's checkpoint at the end of every epoch.

    Args:
        run: the run's folder.
        first_step: training steps done before this part of the run.
    """

    def __init__(self, run: RunFolder, first_step: int = 0):
        super().__init__()
        self.run = run
        self.step = first_step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        self.run.save(self.model, self.step)
