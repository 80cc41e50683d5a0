"""Several clips as one batch."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def read_batch(clips: Any, places: Iterable[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Reads clips, one after the other, into one array of each kind.

    Args:
        clips: what gives a dictionary of arrays by `get(index, epoch)`, as `Clips` does.
        places: index and epoch of each clip.

    Returns:
        Dictionary of arrays with a leading axis of clips.

    Example:

    >>> read_batch(clips, [(0, 0), (3, 0)])["video"].shape
    (2, 16, 64, 64, 3)
    """
    batch: dict[str, np.ndarray] = {}
    places = list(places)
    for row, place in enumerate(places):
        # One clip at a time, in memory that stays warm: fresh pages cost more than copying.
        for name, value in clips.get(*place).items():
            if row == 0:
                batch[name] = np.empty((len(places), *np.shape(value)), value.dtype)
            batch[name][row] = value
    return batch
