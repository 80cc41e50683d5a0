"""Batches of clips as a `tf.data.Dataset`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.epoch_order import EpochOrder
from keras_videogpt.data.read_batch import read_batch

if TYPE_CHECKING:
    import tensorflow as tf


def tf_dataset(clips: Clips, order: EpochOrder, workers: int = 4) -> "tf.data.Dataset":
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
    names = list(first)
    clips_of_batch = order.batch_size if order.drop_remainder else None

    def indices() -> Iterator[tuple[int, np.ndarray, bool]]:
        epoch = order.epoch
        batches = order.batches(epoch)
        for position, batch in enumerate(batches, 1):
            yield epoch, batch, position == len(batches)

    def read(epoch: np.int64, batch: np.ndarray) -> list[np.ndarray]:
        items = read_batch(clips, [(int(index), int(epoch)) for index in batch])
        return [items[name] for name in names]

    def read_items(epoch: "tf.Tensor", batch: "tf.Tensor", last: "tf.Tensor") -> tuple:
        values = tf.numpy_function(read, [epoch, batch], [first[name].dtype for name in names])
        items = dict(zip(names, values, strict=True))
        for name in names:
            items[name].set_shape((clips_of_batch, *first[name].shape))
        return epoch, last, items

    def finish(epoch: np.int64, last: np.bool_) -> np.bool_:
        if last:
            order.finish(int(epoch))
        return last

    def note_last(epoch: "tf.Tensor", last: "tf.Tensor", batch: dict) -> dict:
        # Runs when a batch is handed out, not when it is prefetched.
        with tf.control_dependencies([tf.numpy_function(finish, [epoch, last], tf.bool)]):
            return {name: tf.identity(batch[name]) for name in names}

    signature = (
        tf.TensorSpec((), tf.int64),
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((), tf.bool),
    )
    batches = tf.data.Dataset.from_generator(indices, output_signature=signature)
    batches = batches.map(read_items, num_parallel_calls=workers, deterministic=True)
    batches = batches.prefetch(2).map(note_last)
    batches = batches.apply(tf.data.experimental.assert_cardinality(order.num_batches))
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # it would run `note_last` early
    return batches.with_options(options)
