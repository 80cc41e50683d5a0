"""The contract that every source of videos keeps."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np


class VideoStore(ABC):
    """A random-access collection of videos of varying lengths.

    A store knows videos and frames; clips of a fixed size are made from it by `Clips`. Reading is
    safe from several threads. To bring your own source, define `__len__`, `num_frames`, `frames`
    and `name`; where it has them, set `class_names` and define `label`, or set `action_size` and
    define `actions`.

    `frames` may take a last argument `out=None`, to save a copy: a uint8 array (count, H, W, 3) in
    one piece. Where the frames are of its shape, they are written there and `out` is returned.

    Attributes:
        class_names: tuple of str, the names of the labels 0, 1, ...; empty without labels.
        action_size: int A, length of the action vector of a frame; `None` without actions.
        skipped: list of `(name, reason)` of the videos that could not be used.

    Example:

    >>> store = ArrayVideos(np.zeros((2, 20, 64, 64, 3), "uint8"))
    >>> store.frames(1, start=4, count=8, stride=2).shape
    (8, 64, 64, 3)
    """

    class_names: tuple[str, ...] = ()
    action_size: int | None = None
    skipped: list[tuple[str, str]] = []

    @property
    def has_labels(self) -> bool:
        """Whether every video has a label."""
        return bool(self.class_names)

    @property
    def has_actions(self) -> bool:
        """Whether every frame has an action."""
        return self.action_size is not None

    @abstractmethod
    def __len__(self) -> int:
        """Number of videos."""

    @abstractmethod
    def num_frames(self, index: int) -> int:
        """Number of frames of video `index`."""

    @abstractmethod
    def frames(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray:
        """Frames `start`, `start + stride`, ... of a video, `count` of them (`None`: to its end).

        Returns:
            uint8 array (count, H, W, 3).
        """

    @abstractmethod
    def name(self, index: int) -> str:
        """What to call video `index` in messages."""

    def label(self, index: int) -> int | None:
        """Label of video `index`, from 0 to `len(class_names) - 1`; `None` without labels."""
        return None

    def actions(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray | None:
        """Actions of the frames that `frames` returns for the same arguments.

        Returns:
            float32 array (count, A); `None` without actions.
        """
        return None

    def frame_slice(self, index: int, start: int, count: int | None, stride: int) -> slice:
        """The requested frames as a slice of the video's own frame numbers, checked."""
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        return frame_slice(self.num_frames(index), start, count, stride, self.name(index))


def takes_out(method: Callable) -> bool:
    """Whether a method that reads may be told what to read into.

    Args:
        method: `frames` of a store, or `get` of clips.

    Returns:
        Whether it has an argument `out`.

    Example:

    >>> takes_out(ArrayVideos.frames)
    False
    """
    return "out" in inspect.signature(method).parameters


def frame_slice(frames: int, start: int, count: int | None, stride: int, name: str) -> slice:
    """Turns a request for frames into a slice.

    Args:
        frames: number of frames of the video.
        start: first frame, from 0.
        count: how many frames; `None` for all that are left.
        stride: distance between two of them, at least 1.
        name: what to call the video in the error.

    Returns:
        The slice; its stop lies one past the last frame it takes.

    Raises:
        ValueError: the video does not hold these frames.

    Example:

    >>> frame_slice(20, start=2, count=3, stride=4, name="a.mp4")
    slice(2, 11, 4)
    """
    if start < 0 or stride < 1 or (count is not None and count < 1):
        raise ValueError(
            "`start` must be at least 0, `count` and `stride` at least 1. "
            f"Received: start={start}, count={count}, stride={stride}"
        )
    if count is None:
        count = -(-(frames - start) // stride)
    stop = start + (count - 1) * stride + 1
    if count < 1 or stop > frames:
        raise ValueError(
            f"{name} has {frames} frames. "
            f"Received: start={start}, count={count}, stride={stride}, which ends at frame {stop}"
        )
    return slice(start, stop, stride)
