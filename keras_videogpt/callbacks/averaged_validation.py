import keras

from keras_videogpt.training.weight_averages import averaged


class AveragedValidation(keras.callbacks.Callback):
    """Validates with the averages of the weights, where the optimizer keeps some.

    Training goes on from the weights, bit for bit.

    Example:
        >>> callback = AveragedValidation()
    """

    def on_test_begin(self, logs=None):
        self._averaged = averaged(self.model)
        self._averaged.__enter__()

    def on_test_end(self, logs=None):
        self._averaged.__exit__(None, None, None)
