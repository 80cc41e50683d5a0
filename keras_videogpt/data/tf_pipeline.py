"""Batches of clips as a `tf.data.Dataset`."""

from collections.abc import Iterator
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

    def batches() -> Iterator[dict[str, np.ndarray]]:
        source.on_epoch_begin()
        for index in range(len(source)):
            batch = source[index]
            if index == len(source) - 1:
                source.on_epoch_end()
            yield batch

    count = order.batch_size if order.drop_remainder else None
    signature = {
        name: tf.TensorSpec((count, *value.shape), value.dtype) for name, value in first.items()
    }
    data = tf.data.Dataset.from_generator(batches, output_signature=signature)
    data = data.apply(tf.data.experimental.assert_cardinality(order.num_batches))
    options = tf.data.Options()
    # The source reads ahead; here it would end an epoch before its last batch is handed out.
    options.experimental_optimization.inject_prefetch = False
    return data.with_options(options)
