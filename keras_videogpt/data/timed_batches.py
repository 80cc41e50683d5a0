"""How long training waits for its data."""

import time
from collections.abc import Iterator
from typing import Any


class TimedBatches(Iterator):
    """Batches of a generator, and the time that was spent waiting for them.

    With TensorFlow, `tf.data` reads ahead in a thread of its own: it waits little as long as the
    data is faster than training, and all of the time if it is not.

    Args:
        batches: the batches.

    Attributes:
        seconds_waited: seconds in all.

    Example:
        >>> batches = TimedBatches(iter([1, 2]))
        >>> next(batches), batches.seconds_waited < 1
        (1, True)
    """

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self.seconds_waited = 0.0

    def __next__(self) -> Any:
        start = time.monotonic()
        try:
            return next(self._batches)
        finally:
            self.seconds_waited += time.monotonic() - start
