"""The order in which the clips of an epoch come."""

import numpy as np


class EpochOrder:
    """Which clips make up which batch, as a function of the seed and the epoch alone.

    `epoch` is the epoch that the next pass gives. A pass counts once its last batch was handed
    out: Keras looks at the first batch of a dataset to build a model and then starts anew, and
    that look must not use up an epoch.

    Args:
        num_clips: number of clips.
        batch_size: clips in a batch.
        shuffle: whether every epoch has an order of its own.
        seed: int, 0 or more.
        first_epoch: epoch of the first pass, from 0.
        drop_remainder: whether to leave out the last batch where it is smaller.

    Raises:
        ValueError: an argument out of range, or not one full batch with `drop_remainder`.

    Example:

    >>> EpochOrder(5, batch_size=2).batches(epoch=0)
    [array([0, 1]), array([2, 3]), array([4])]
    """

    def __init__(
        self,
        num_clips: int,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        first_epoch: int = 0,
        drop_remainder: bool = False,
    ) -> None:
        if batch_size < 1 or seed < 0 or first_epoch < 0:
            raise ValueError(
                "`batch_size` must be at least 1, `seed` and `first_epoch` at least 0. Received: "
                f"batch_size={batch_size}, seed={seed}, first_epoch={first_epoch}"
            )
        if drop_remainder and num_clips < batch_size:
            raise ValueError(
                f"There are {num_clips} clips, not enough for one batch. Received: "
                f"batch_size={batch_size}, drop_remainder=True; take a smaller batch or "
                "drop_remainder=False"
            )
        self.num_clips = num_clips
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = first_epoch
        self.drop_remainder = drop_remainder

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        if self.drop_remainder:
            return self.num_clips // self.batch_size
        return -(-self.num_clips // self.batch_size)

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Clip indices of each batch of an epoch.

        Args:
            epoch: from 0.

        Returns:
            List of int arrays.
        """
        order = np.arange(self.num_clips)
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(self.num_clips)
        starts = range(0, self.num_batches * self.batch_size, self.batch_size)
        return [order[start : start + self.batch_size] for start in starts]

    def finish(self, epoch: int) -> None:
        """Notes that the last batch of `epoch` was handed out."""
        self.epoch = max(self.epoch, epoch + 1)
