import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.models.batches import as_numpy, field
from keras_videogpt.models.checks import check_positive, check_video


def video_batches(videos: Any, batch_size: int, count: int | None = None) -> Iterator[np.ndarray]:
    """Videos of any source in batches of one size, of which no more is read than is asked for.

    Args:
        videos: uint8 or float in [-0.5, 0.5] `(N, T, H, W, 3)`, an array or tensor or a dictionary
            with it as `video`; `Clips`, or another sequence of clips; a `PyDataset`, a
            `tf.data.Dataset`, or what else yields batches or clips. Items may be dictionaries with
            `video`, or tuples that begin with it.
        batch_size: videos of a batch; the last may have fewer.
        count: most videos to yield; `None` for all.

    Yields:
        uint8 `(batch_size, T, H, W, 3)`.

    Raises:
        ValueError: a video is not one of those above, or of another shape than the first.

    Example:
        >>> batches = video_batches(np.zeros((5, 4, 8, 8, 3), "uint8"), batch_size=2)
        >>> [batch.shape[0] for batch in batches]
        [2, 2, 1]
    """
    check_videos("videos", videos)
    check_positive(batch_size=batch_size)
    if count is not None:
        check_positive(count=count)
    clips = islice(_clips(videos), count)
    while batch := list(islice(clips, batch_size)):
        yield np.stack(batch)


def check_videos(name: str, videos: Any) -> None:
    """Raises `ValueError` unless an argument of this name may be videos, which is not a path."""
    given = field(videos, "video")
    if isinstance(given, (str, bytes, os.PathLike)) or not (
        hasattr(given, "shape") or hasattr(given, "__iter__") or hasattr(given, "__getitem__")
    ):
        raise ValueError(
            f"{name} must be clips: an array (N, T, H, W, 3), Clips, or what yields clips or "
            f"batches of them; got {given!r}. For a path: "
            "Clips(open_videos(path), num_frames, size)."
        )


def clip_sequence(videos: Any) -> Any:
    """The clips, where any of them can be read at any time; `None` for what comes in batches.

    Args:
        videos: as in `video_batches`.

    Example:
        >>> len(clip_sequence([np.zeros((4, 8, 8, 3), "uint8")] * 5))
        5
        >>> clip_sequence([np.zeros((2, 4, 8, 8, 3), "uint8")] * 5) is None
        True
    """
    videos = field(videos, "video")
    if hasattr(videos, "shape"):
        return videos if len(videos.shape) == 5 else None
    if isinstance(videos, keras.utils.PyDataset):
        return None
    if not (hasattr(videos, "__getitem__") and hasattr(videos, "__len__")):
        return None
    return videos if not len(videos) or video_of(videos[0]).ndim == 4 else None


def video_of(item: Any) -> np.ndarray:
    """The video of a clip or a batch, as an array.

    Args:
        item: an array or tensor, a dictionary with it as `video`, or a tuple that begins with one.

    Example:
        >>> video_of(({"video": np.zeros((4, 8, 8, 3), "uint8")}, "label")).shape
        (4, 8, 8, 3)
    """
    return as_numpy(field(item[0] if isinstance(item, tuple) else item, "video"))


def _clips(videos):
    """uint8 clips `(T, H, W, 3)`, one by one."""
    shape = None
    for item in _items(videos):
        video = video_of(item)
        batch = video[None] if video.ndim == 4 else video
        if batch.ndim != 5 or batch.shape[-1] != 3:
            raise ValueError(
                f"videos must be clips (T, H, W, 3) or batches of them; got shape {video.shape}."
            )
        shape = shape or batch.shape[1:]
        check_video(batch, shape, "videos")
        yield from batch if batch.dtype == "uint8" else map(to_uint8, batch)


def _items(videos):
    """Clips or batches of clips, as the source has them."""
    videos = field(videos, "video")
    if hasattr(videos, "shape"):
        if len(videos.shape) != 5:
            raise ValueError(
                f"videos must be (N, T, H, W, 3) as an array; got shape {tuple(videos.shape)}."
            )
        return (videos[index] for index in range(videos.shape[0]))
    if hasattr(videos, "__getitem__") and hasattr(videos, "__len__"):
        return (videos[index] for index in range(len(videos)))
    return iter(videos)
