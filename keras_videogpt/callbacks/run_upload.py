import keras

from keras_videogpt.training.run_folder import RunFolder


class RunUpload(keras.callbacks.Callback):
    """Sends what a run has written to its remote folder at the end of every epoch.

    Args:
        run: the run's folder; a local one has nothing to send. After all callbacks that write.
    """

    def __init__(self, run: RunFolder):
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch, logs=None):
        self.run.upload()
