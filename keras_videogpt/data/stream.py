"""An endless stream of training batches that can start at any step."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import count

import numpy as np

from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder
from keras_videogpt.data.read_batch import BatchReader

BATCHES_AHEAD = 3


def batch_places(num_clips: int, batch_size: int, seed: int, step: int) -> list[tuple[int, int]]:
    """Which clips are batch `step` of a `stream`, as a function of these numbers alone.

    Args:
        num_clips: number of clips.
        batch_size: clips per batch.
        seed: seed of the order.
        step: index of the batch.

    Returns:
        Index and epoch of each clip.

    Example:
        >>> batch_places(4, batch_size=3, seed=0, step=1)
        [(0, 0), (0, 1), (3, 1)]
    """
    places = []
    for position in range(step * batch_size, (step + 1) * batch_size):
        epoch, offset = divmod(position, num_clips)
        places.append((int(_order(num_clips, seed, epoch)[offset]), epoch))
    return places


@lru_cache(maxsize=4)
def _order(num_clips: int, seed: int, epoch: int) -> np.ndarray:
    order = EpochOrder(num_clips, num_clips, shuffle=True, seed=seed)
    return order.batches(epoch)[0]


def stream(
    clips: ClipSource,
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    workers: int = 4,
    shard: tuple[int, int] = (0, 1),
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
        shard: index and count of readers that share the clips without overlap, such as processes:
            at every step, each reads its part of what one reader with `count` times the batch size
            reads.

    Yields:
        Batches as `dataset` gives them.

    Raises:
        ValueError: the index of `shard` is not below its count.

    Example:
        >>> clips = Clips(ArrayVideos(np.zeros((4, 16, 64, 64, 3), "uint8")))
        >>> next(stream(clips, batch_size=2))["video"].shape
        (2, 16, 64, 64, 3)
    """
    index, readers = shard
    if not 0 <= index < readers:
        raise ValueError(f"`shard` must be (index, count), index below count. Received: {shard}")
    batches = count(first_step * readers + index, readers)
    return _stream(clips, batch_size, seed, batches, workers)


def _stream(clips, batch_size, seed, batches, workers):
    ahead = max(BATCHES_AHEAD, workers)
    read = BatchReader(clips, ahead)
    with ThreadPoolExecutor(workers) as executor:
        pending = deque()
        for batch in batches:
            places = batch_places(len(clips), batch_size, seed, batch)
            pending.append(executor.submit(read, places))
            if len(pending) > ahead:
                yield pending.popleft().result()
