"""Batches of clips as a `keras.utils.PyDataset`, without TensorFlow."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder
from keras_videogpt.data.read_batch import BatchReader

BATCHES_AHEAD = 2


class ClipDataset(keras.utils.PyDataset):
    """A `keras.utils.PyDataset` of batches of clips; see `dataset`.

    A batch and the next ones are read by threads of its own, so Keras's workers are not used:
    batches are handed out one by one, which tells when an epoch is complete. Within an epoch they
    come in the order of the dataset whatever index is asked for, since `fit` mixes the indices
    unless it is told `shuffle=False`.

    Args:
        clips: the clips.
        order: which clip comes when.
        workers: how many batches to read at a time.

    Example:

    >>> batches = ClipDataset(clips, EpochOrder(len(clips), batch_size=8))
    >>> batches[0]["video"].shape
    (8, 16, 64, 64, 3)
    """

    def __init__(self, clips: ClipSource, order: EpochOrder, workers: int = 4) -> None:
        super().__init__(workers=1)
        self.clips = clips
        self.order = order
        self._executor = ThreadPoolExecutor(workers)
        self._batches_ahead = max(BATCHES_AHEAD, workers)
        self._read_batch = BatchReader(clips, self._batches_ahead)
        self._reads: dict[tuple[int, int], Future] = {}
        self._batches: tuple[int, list[np.ndarray]] = (-1, [])
        self._in_epoch = False
        self._position = 0

    @property
    def num_batches(self) -> int:
        return self.order.num_batches

    def __len__(self) -> int:
        return self.order.num_batches

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        if self._in_epoch and self._position < len(self):
            index = self._position
            self._position += 1
        epoch = self.order.epoch
        wanted = range(index, min(index + 1 + self._batches_ahead, len(self)))
        reads = {(epoch, batch): self._read(epoch, batch) for batch in wanted}
        for place in self._reads.keys() - reads.keys():
            self._reads[place].cancel()
        self._reads = reads
        return self._reads.pop((epoch, index)).result()

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        self.on_epoch_begin()
        for index in range(len(self)):
            yield self[index]
        self.on_epoch_end()

    def on_epoch_begin(self) -> None:
        self._in_epoch, self._position = True, 0

    def on_epoch_end(self) -> None:
        # Keras also calls this after looking at the first batch only, or at none.
        if self._in_epoch and self._position == len(self):
            self.order.finish(self.order.epoch)
        self._in_epoch = False

    def _read(self, epoch: int, batch: int) -> Future:
        """The read of a batch, begun now unless it is under way."""
        if (epoch, batch) in self._reads:
            return self._reads[epoch, batch]
        if self._batches[0] != epoch:
            self._batches = (epoch, self.order.batches(epoch))
        indices = self._batches[1][batch]
        places = [(int(index), epoch) for index in indices]
        return self._executor.submit(self._read_batch, places)
