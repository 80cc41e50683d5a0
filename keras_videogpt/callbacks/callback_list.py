from collections.abc import Iterator, Mapping

import keras
from keras import ops


class LazyLogs(Mapping):
    """Logs of a batch that come from the device when one of them is first read.

    Args:
        logs: scalar tensors by name.

    Example:
        >>> logs = LazyLogs({"loss": ops.ones(())})
        >>> list(logs), logs["loss"]
        (['loss'], 1.0)
    """

    def __init__(self, logs: Mapping | None):
        self._tensors = logs or {}
        self._numbers = None

    def __getitem__(self, name: str) -> float:
        if self._numbers is None:
            self._numbers = {
                name: float(ops.convert_to_numpy(tensor)) for name, tensor in self._tensors.items()
            }
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


class CallbackList(keras.callbacks.CallbackList):
    """Callbacks for `fit` that do not make every step wait for the device.

    Keras turns the logs of each batch into numbers, and so waits until its step is done before it
    begins the next. Here a callback gets `LazyLogs`: it costs the wait at the steps where it looks
    at them. Arguments as `keras.callbacks.CallbackList`, which `fit` takes as `callbacks`.
    """

    def on_train_batch_end(self, batch, logs=None):
        logs = LazyLogs(logs)
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        logs = LazyLogs(logs)
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)
