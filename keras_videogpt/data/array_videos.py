"""Videos in memory as a store."""

from collections.abc import Sequence

import numpy as np

from keras_videogpt.data.store import VideoStore


class ArrayVideos(VideoStore):
    """Videos that are NumPy arrays already.

    Args:
        videos: uint8 array (N, T, H, W, 3), or a sequence of N arrays (T_i, H_i, W_i, 3).
        labels: optional, N ints from 0.
        actions: optional, float array (N, T, A), or a sequence of N arrays (T_i, A).

    Raises:
        ValueError: arrays of the wrong type or shape.

    Example:

    >>> store = ArrayVideos(np.zeros((2, 20, 64, 64, 3), "uint8"), labels=[0, 1])
    >>> len(store), store.num_frames(0), store.label(1)
    (2, 20, 1)
    """

    def __init__(
        self,
        videos: np.ndarray | Sequence[np.ndarray],
        labels: Sequence[int] | None = None,
        actions: np.ndarray | Sequence[np.ndarray] | None = None,
    ) -> None:
        self.skipped = []
        self._videos = [np.asarray(video) for video in videos]
        if not self._videos:
            raise ValueError("`videos` must hold at least one video. Received: none")
        for index, video in enumerate(self._videos):
            if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] != 3:
                raise ValueError(
                    "`videos` must be uint8 (T, H, W, 3), values 0 to 255 (grey ones: "
                    "np.repeat(video, 3, axis=-1)). "
                    f"Received: videos[{index}] of {video.dtype} {video.shape}"
                )
        self._labels = self._checked_labels(labels)
        self._actions = self._checked_actions(actions)

    def _checked_labels(self, labels: Sequence[int] | None) -> np.ndarray | None:
        if labels is None:
            return None
        labels = np.asarray(labels)
        if labels.shape != (len(self),) or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise ValueError(
                f"`labels` must be {len(self)} ints, 0 or more. "
                f"Received: {labels.dtype} {labels.shape}"
            )
        self.class_names = tuple(str(label) for label in range(int(labels.max()) + 1))
        return labels

    def _checked_actions(
        self, actions: np.ndarray | Sequence[np.ndarray] | None
    ) -> list[np.ndarray] | None:
        if actions is None:
            return None
        if len(actions) != len(self):
            raise ValueError(
                f"`actions` must be {len(self)} arrays, one a video. Received: {len(actions)}"
            )
        actions = [np.asarray(array, "float32") for array in actions]
        size = actions[0].shape[-1] if actions[0].ndim else 0
        for index, (array, video) in enumerate(zip(actions, self._videos, strict=True)):
            if array.shape != (len(video), size):
                raise ValueError(
                    f"`actions[{index}]` must have shape {(len(video), size)}: a row a frame, all "
                    f"rows of one length. Received: {array.shape}"
                )
        self.action_size = size
        return actions

    def __len__(self) -> int:
        return len(self._videos)

    def num_frames(self, index: int) -> int:
        return len(self._videos[index])

    def frames(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray:
        return self._videos[index][self.frame_slice(index, start, count, stride)]

    def name(self, index: int) -> str:
        return f"video {index}"

    def label(self, index: int) -> int | None:
        return None if self._labels is None else int(self._labels[index])

    def actions(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray | None:
        if self._actions is None:
            return None
        return self._actions[index][self.frame_slice(index, start, count, stride)]
