"""Several clips as one batch."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_videogpt.data.batch_memory import BatchMemory
from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.store import takes_out

# One being read, one trained on, and two that a backend may not have let go of yet.
BATCHES_IN_USE = 4


class BatchReader:
    """Reads clips, one after the other, into one array of each kind.

    Videos are read straight into their batch where the clips' `get` takes `out`, as that of `Clips`
    does; clips that have `get_batch` read the batch as a whole. Memory of batches that nobody holds
    any more is used again. May be called from several threads.

    Args:
        clips: the clips.
        batches_ahead: how many batches are read ahead of the one in use.

    Example:

    >>> read = BatchReader(clips)
    >>> read([(0, 0), (3, 0)])["video"].shape
    (2, 16, 64, 64, 3)
    """

    def __init__(self, clips: ClipSource, batches_ahead: int = 0) -> None:
        self.clips: Any = clips  # what it may have beside the contract is asked for
        self._memory = BatchMemory(batches_ahead + BATCHES_IN_USE)
        self._into_place = takes_out(clips.get)

    def __call__(self, places: Iterable[tuple[int, int]]) -> dict[str, np.ndarray]:
        """Reads a batch.

        Args:
            places: index and epoch of each clip.

        Returns:
            Dictionary of arrays with a leading axis of clips.
        """
        places, batch = list(places), {}
        if hasattr(self.clips, "get_batch"):
            return self.clips.get_batch(places)
        if self._into_place:
            shape = (len(places), self.clips.num_frames, *self.clips.size, 3)
            batch["video"] = self._memory.empty("video", shape, "uint8")
        for row, place in enumerate(places):
            out = (batch["video"][row],) if self._into_place else ()
            for name, value in self.clips.get(*place, *out).items():
                if out and value is out[0]:
                    continue
                if name not in batch:
                    shape = (len(places), *np.shape(value))
                    batch[name] = self._memory.empty(name, shape, value.dtype)
                batch[name][row] = value
        return batch
