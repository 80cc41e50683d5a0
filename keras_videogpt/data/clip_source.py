from typing import Protocol

import numpy as np


class ClipSource(Protocol):
    """What the pipelines read: a random-access sequence of clips, such as `Clips`.

    An item is a dictionary of arrays, with the same keys, shapes and dtypes for every clip. What is
    random in it depends on the epoch and the index alone. Reading is safe from several threads.

    Two things save time and may be left out: a last argument `out=None` of `get`, a uint8 array
    (num_frames, *size, 3) to read `video` into; and a method `get_batch(places)`, which takes pairs
    of index and epoch and returns their items, stacked.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, np.ndarray]: ...

    def get(self, index: int, epoch: int = 0) -> dict[str, np.ndarray]: ...
