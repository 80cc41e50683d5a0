"""Several clips as one batch."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def read_batch(clips: Any, places: Iterable[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Reads clips, one after the other, and stacks them.

    Args:
        clips: what gives a dictionary of arrays by `get(index, epoch)`, as `Clips` does.
        places: index and epoch of each clip.

    Returns:
        Dictionary of arrays with a leading axis of clips.

    Example:

    >>> read_batch(clips, [(0, 0), (3, 0)])["video"].shape
    (2, 16, 64, 64, 3)
    """
    items = [clips.get(index, epoch) for index, epoch in places]
    return {name: np.stack([item[name] for item in items]) for name in items[0]}
