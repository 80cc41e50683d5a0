from collections.abc import Mapping

import keras
from keras import ops


class CallbackList(keras.callbacks.CallbackList):
    """Callbacks for `fit` that do not make every step wait for the device.

    Keras turns the logs of each batch into numbers, and so waits until its step is done before it
    begins the next. Here callbacks get the scalar tensors; those that want numbers call
    `as_numbers` at the steps where they look. Arguments as `keras.callbacks.CallbackList`, which
    `fit` takes as `callbacks`.
    """

    def on_train_batch_end(self, batch, logs=None):
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)


def as_numbers(logs: Mapping) -> dict[str, float]:
    """Logs as Python floats; waits for the device to have computed them.

    Args:
        logs: scalars by name, tensors or not.

    Returns:
        The same as floats.

    Example:
        >>> as_numbers({"loss": ops.ones(())})
        {'loss': 1.0}
    """
    return {name: float(ops.convert_to_numpy(value)) for name, value in logs.items()}
