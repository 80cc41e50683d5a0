"""Batches of clips as `model.fit` takes them."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_videogpt.data.augmentation import Augmentation
from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.epoch_order import EpochOrder

PIPELINES = ("auto", "tf.data", "pydataset")


def dataset(
    clips: ClipSource,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    first_epoch: int = 0,
    drop_remainder: bool = False,
    workers: int = 4,
    pipeline: str = "auto",
    augment: Augmentation | keras.Layer | Sequence[keras.Layer] | None = None,
) -> Any:
    """Makes a dataset for `fit`, `evaluate` and `predict` out of clips.

    Order and randomness depend on `seed` (and the clips' own) and the epoch alone. Each completed
    pass over the dataset is an epoch, so a run resumed at epoch 7 with `first_epoch=7` sees what
    it would have seen without the interruption. Both pipelines give equal batches.

    Args:
        clips: the clips, or stored tokens.
        batch_size: clips in a batch, B.
        shuffle: whether every epoch has an order of its own.
        seed: int, 0 or more.
        first_epoch: epoch of the first pass, from 0.
        drop_remainder: whether to leave out the last batch where it is smaller.
        workers: how many batches to read at a time.
        pipeline: `"tf.data"`, `"pydataset"` (needs no TensorFlow), or `"auto"`: the first where
            Keras runs on TensorFlow, else the second.
        augment: image augmentation layers in the place of the clips' own, see `Clips`; `None`
            leaves those. The same clips can so be augmented in one data set and plain in another.

    Returns:
        `tf.data.Dataset` or `keras.utils.PyDataset` of dictionaries: `video` uint8
        (B, T, H, W, 3), or `codes` int32 (B, t, h, w) of stored tokens; `label` int32 (B,) and
        `actions` float32 (B, T, A) where the store has them. `len` is the number of batches.

    Raises:
        ValueError: an argument out of range, or not one full batch with `drop_remainder`.

    Example:

    >>> train = dataset(Clips(VideoFolder("videos", "train")), batch_size=8, shuffle=True)
    >>> model.fit(train, epochs=10)
    >>> train = dataset(clips, batch_size=8, shuffle=True, augment=keras.layers.RandomZoom(0.1))
    """
    if pipeline not in PIPELINES:
        raise ValueError(f"`pipeline` must be one of {PIPELINES}. Received: pipeline={pipeline!r}")
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1. Received: workers={workers}")
    source: Any = clips
    clips = source if augment is None else source.augmented(augment)
    order = EpochOrder(len(clips), batch_size, shuffle, seed, first_epoch, drop_remainder)
    if pipeline == "auto":
        pipeline = "tf.data" if keras.backend.backend() == "tensorflow" else "pydataset"
    if pipeline == "tf.data":
        from keras_videogpt.data.tf_pipeline import tf_dataset

        return tf_dataset(clips, order, workers)
    from keras_videogpt.data.py_dataset import ClipDataset

    return ClipDataset(clips, order, workers)
