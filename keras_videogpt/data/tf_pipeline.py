"""Batches of clips as a `tf.data.Dataset`."""

from typing import TYPE_CHECKING

import numpy as np

from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder
from keras_videogpt.data.py_dataset import ClipDataset

if TYPE_CHECKING:
    import tensorflow as tf


def tf_dataset(clips: ClipSource, order: EpochOrder, workers: int = 4) -> "tf.data.Dataset":
    """Makes a `tf.data.Dataset` of batches; see `dataset`.

    Args:
        clips: the clips.
        order: which clip comes when.
        workers: how many batches to read at a time.

    Returns:
        A dataset of dictionaries with static shapes and a known length.

    Raises:
        ImportError: TensorFlow is missing.

    Example:

    >>> batches = tf_dataset(clips, EpochOrder(len(clips), batch_size=8))
    """
    import tensorflow as tf

    first = clips[0]
    source = ClipDataset(clips, order, workers)

    def read(index: np.int64) -> list[np.ndarray]:
        if index == 0:
            source.on_epoch_begin()
        batch = source[int(index)]
        if index == len(source) - 1:
            source.on_epoch_end()
        return [batch[name] for name in first]

    def batch(index: "tf.Tensor") -> dict[str, "tf.Tensor"]:
        arrays = tf.numpy_function(read, [index], [value.dtype for value in first.values()])
        batch = dict(zip(first, arrays, strict=True))
        for name, value in first.items():
            batch[name].set_shape((count, *value.shape))
        return batch

    count = order.batch_size if order.drop_remainder else None
    data = tf.data.Dataset.range(len(source)).map(batch)
    options = tf.data.Options()
    # Autotuning would sleep at the end of each pass for as long as the pass took.
    options.autotune.enabled = False
    # The source reads ahead; here it would end an epoch before its last batch is handed out.
    options.experimental_optimization.inject_prefetch = False
    return data.with_options(options)
