"""Batches of clips as a `tf.data.Dataset`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder

if TYPE_CHECKING:
    import tensorflow as tf


def tf_dataset(clips: ClipSource, order: EpochOrder, workers: int = 4) -> "tf.data.Dataset":
    """Makes a `tf.data.Dataset` of batches; see `dataset`.

    Args:
        clips: the clips.
        order: which clip comes when.
        workers: how many clips to read at a time.

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

    def indices() -> Iterator[tuple[int, int, bool]]:
        epoch = order.epoch
        chosen = np.concatenate(order.batches(epoch))
        for position, index in enumerate(chosen, 1):
            yield epoch, index, position == len(chosen)

    def read(epoch: np.int64, index: np.int64) -> list[np.ndarray]:
        item = clips.get(int(index), int(epoch))
        return [item[name] for name in names]

    def read_item(epoch: "tf.Tensor", index: "tf.Tensor", last: "tf.Tensor") -> tuple:
        values = tf.numpy_function(read, [epoch, index], [first[name].dtype for name in names])
        item = dict(zip(names, values, strict=True))
        for name in names:
            item[name].set_shape(first[name].shape)
        return epoch, last, item

    def finish(epoch: np.int64, last: np.bool_) -> np.bool_:
        if last:
            order.finish(int(epoch))
        return last

    def note_last(epoch: "tf.Tensor", last: "tf.Tensor", batch: dict) -> dict:
        # Runs when a batch is handed out, not when it is prefetched.
        with tf.control_dependencies([tf.numpy_function(finish, [epoch[-1], last[-1]], tf.bool)]):
            return {name: tf.identity(batch[name]) for name in names}

    scalar = tf.TensorSpec((), tf.int64)
    signature = (scalar, scalar, tf.TensorSpec((), tf.bool))
    batches = tf.data.Dataset.from_generator(indices, output_signature=signature)
    batches = batches.map(read_item, num_parallel_calls=workers, deterministic=True)
    batches = batches.batch(order.batch_size, drop_remainder=order.drop_remainder)
    batches = batches.prefetch(2).map(note_last)
    batches = batches.apply(tf.data.experimental.assert_cardinality(order.num_batches))
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False  # it would run `note_last` early
    return batches.with_options(options)
