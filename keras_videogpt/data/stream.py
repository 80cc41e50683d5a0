"""An endless stream of training batches that can start at any step."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder
from keras_videogpt.data.read_batch import BatchReader

BATCHES_AHEAD = 3


def stream(
    clips: ClipSource,
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    workers: int = 4,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields shuffled batches of clips, epoch after epoch, without end.

    Batch k is a function of the seed and k alone: a run resumed at step k gets what it would have
    got without the interruption. Threads read ahead.

    Args:
        clips: the clips; fewer than a batch are drawn from several epochs.
        batch_size: clips per batch.
        seed: seed of the order.
        first_step: index of the first batch.
        workers: number of reading threads, each at a batch of its own.

    Yields:
        Batches as `dataset` gives them.

    Example:
        >>> clips = Clips(ArrayVideos(np.zeros((4, 16, 64, 64, 3), "uint8")))
        >>> next(stream(clips, batch_size=2))["video"].shape
        (2, 16, 64, 64, 3)
    """
    ahead = max(BATCHES_AHEAD, workers)
    read = BatchReader(clips, ahead)
    orders: dict[int, np.ndarray] = {}

    def place(position: int) -> tuple[int, int]:
        epoch, offset = divmod(position, len(clips))
        if epoch not in orders:
            orders.pop(epoch - 2, None)
            order = EpochOrder(len(clips), len(clips), shuffle=True, seed=seed)
            orders[epoch] = order.batches(epoch)[0]
        return int(orders[epoch][offset]), epoch

    with ThreadPoolExecutor(workers) as executor:
        pending: deque = deque()
        step = first_step
        while True:
            while len(pending) <= ahead:
                places = [place(step * batch_size + i) for i in range(batch_size)]
                pending.append(executor.submit(read, places))
                step += 1
            yield pending.popleft().result()
