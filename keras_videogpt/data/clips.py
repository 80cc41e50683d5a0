"""Clips of a fixed size, cut from a store of videos."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np

from keras_videogpt.data.augmentation import Augmentation, as_augmentation
from keras_videogpt.data.pixel_variance import pixel_variance
from keras_videogpt.data.store import VideoStore, takes_out
from keras_videogpt.data.transforms import (
    center_crop,
    horizontal_flip,
    image_size,
    random_crop,
    resize_shorter_side,
)


class Clips:
    """A random-access sequence of clips of one size.

    A clip takes `num_frames` frames, `stride` apart, so it spans `(num_frames - 1) * stride + 1`
    frames of its video. Frames are scaled until they cover `size` and cropped to it. What is
    random (start, crop, mirroring) depends on nothing but `seed`, the epoch and the clip's index.

    Args:
        store: the videos.
        num_frames: frames of a clip, T.
        size: int for a square or `(height, width)`, in pixels.
        stride: distance between two frames of a clip.
        start: `"random"`: one clip a video, starting anywhere it fits, anew in every epoch;
            `"first"`: one clip a video, its beginning; `"all"`: every video cut into clips that
            follow one another without overlap, starting at frames 0, span, 2 * span, ...
            (what is left at the end is dropped).
        crop: `"center"` or `"random"` (one window a clip).
        flip: whether to mirror half of the clips left to right; not with actions, which would
            no longer fit the picture.
        seed: int, 0 or more.
        hop: with `start="all"`, frames from the start of a clip to that of the next: less than the
            span for clips that overlap, 1 for every clip there is; `None` for the span.
        augment: image augmentation layers of Keras or KerasCV that keep the size, or an
            `Augmentation`: each frame of a clip alike, each clip differently. Labels and actions
            stay as they are, so layers that mirror are not for videos with actions.

    Attributes:
        skipped: list of `(name, reason)` of the videos shorter than a clip.

    Raises:
        ValueError: an argument out of range, or no video as long as a clip.

    Example:

    >>> clips = Clips(VideoFolder("videos", "train"), num_frames=16, size=64)
    >>> clips[0]["video"].shape
    (16, 64, 64, 3)
    """

    def __init__(
        self,
        store: VideoStore,
        num_frames: int = 16,
        size: int | tuple[int, int] = 64,
        stride: int = 1,
        start: str = "random",
        crop: str = "center",
        flip: bool = False,
        seed: int = 0,
        hop: int | None = None,
        augment: Augmentation | keras.Layer | Sequence[keras.Layer] | None = None,
    ) -> None:
        if num_frames < 1 or stride < 1 or seed < 0:
            raise ValueError(
                "`num_frames` and `stride` must be at least 1, `seed` at least 0. "
                f"Received: num_frames={num_frames}, stride={stride}, seed={seed}"
            )
        if start not in ("random", "all", "first"):
            raise ValueError(
                f"`start` must be 'random', 'all' or 'first'. Received: start={start!r}"
            )
        if crop not in ("center", "random"):
            raise ValueError(f"`crop` must be 'center' or 'random'. Received: crop={crop!r}")
        if flip and store.has_actions:
            raise ValueError(
                "`flip` must be False for videos with actions: a mirrored picture would no longer "
                "fit its actions. Received: flip=True"
            )
        if hop is not None and (hop < 1 or start != "all"):
            raise ValueError(
                "`hop` must be at least 1, and is for start='all' only. "
                f"Received: hop={hop}, start={start!r}"
            )
        self.store = store
        self.num_frames = num_frames
        self.size = image_size(size)
        self.stride = stride
        self.start = start
        self.crop = crop
        self.flip = flip
        self.seed = seed
        self.hop = hop
        self.augment = None if augment is None else as_augmentation(augment, store.has_actions)
        self.skipped: list[tuple[str, str]] = []
        self._into_place = takes_out(store.frames)
        self._places = self._find_places()
        lengths = [store.num_frames(video) for video, _ in self._places]
        self._last_starts = np.array(lengths) - self.span
        self._random_starts: tuple[int, list[int]] = (-1, [])

    def augmented(self, augment: Augmentation | keras.Layer | Sequence[keras.Layer] | None) -> Self:
        """The same clips with another augmentation.

        Args:
            augment: as above; `None` for none.

        Returns:
            A `Clips`; this one stays as it is.

        Raises:
            ValueError: it mirrors, and the videos have actions.

        Example:

        >>> train = clips.augmented(keras.layers.RandomZoom(0.1))
        """
        clips = copy.copy(self)
        clips.augment = (
            None if augment is None else as_augmentation(augment, self.store.has_actions)
        )
        return clips

    @property
    def span(self) -> int:
        """Number of frames of the video from a clip's first to its last."""
        return (self.num_frames - 1) * self.stride + 1

    def _find_places(self) -> list[tuple[int, int]]:
        """`(video, start)` of every clip; the start is where a random one has its lowest."""
        places, hop = [], self.hop or self.span
        for video in range(len(self.store)):
            frames = self.store.num_frames(video)
            if frames < self.span:
                self.skipped.append((self.store.name(video), f"{frames} frames"))
            elif self.start == "all":
                places += [(video, s) for s in range(0, frames - self.span + 1, hop)]
            else:
                places.append((video, 0))
        named = ", ".join(f"{name} ({frames})" for name, frames in self.skipped[:3])
        if not places:
            raise ValueError(
                f"No video is as long as a clip, {self.span} frames (`num_frames`="
                f"{self.num_frames}, `stride`={self.stride}). Received: {named}"
            )
        if self.skipped:
            warnings.warn(
                f"{len(self.skipped)} videos are shorter than a clip of {self.span} frames and "
                f"skipped: {named}{', ...' if len(self.skipped) > 3 else ''}",
                stacklevel=3,
            )
        return places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self.get(index)

    def get(
        self, index: int, epoch: int = 0, out: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Reads one clip.

        Args:
            index: from 0 to `len(clips) - 1`.
            epoch: from 0; changes what is random.
            out: uint8 array (T, H, W, 3) to read the video into, which is then `video`; `None` for
                a new one.

        Returns:
            Dictionary with `video` uint8 (T, H, W, 3), `label` int32 () if the store has labels,
            `actions` float32 (T, A) if it has actions.

        Raises:
            IndexError: no such clip.

        Example:

        >>> later = clips.get(0, epoch=3)["video"]
        """
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must lie in [0, {len(self)}). Received: index={index}")
        video, start = self._places[index]
        if self.start == "random":
            start = self._starts(epoch)[index]
        wanted = (video, start, self.num_frames, self.stride)
        into: dict[str, Any] = {"out": out} if self._into_place and out is not None else {}
        clip = self.store.frames(*wanted, **into)
        if self.crop == "random" or self.flip or self.augment is not None:
            rng = np.random.default_rng((self.seed, epoch, index))
        if clip.shape[1:3] != self.size:
            clip = resize_shorter_side(clip, self.size)
            if self.crop == "random":
                clip = random_crop(clip, self.size, rng)
            else:
                clip = center_crop(clip, self.size)
        if self.flip and rng.integers(2):
            clip = horizontal_flip(clip)
        if self.augment is not None:
            clip = self.augment(clip, int(rng.integers(2**63)))
        if out is None:
            out = np.ascontiguousarray(clip)
        elif clip is not out:
            out[...] = clip
        item: dict[str, Any] = {"video": out}
        if self.store.has_labels:
            item["label"] = np.asarray(self.store.label(video), "int32")
        if self.store.has_actions:
            item["actions"] = self.store.actions(*wanted)
        return item

    def name(self, index: int) -> str:
        """What to call a clip in messages: the name of its video."""
        return self.store.name(self._places[index][0])

    def _starts(self, epoch: int) -> list[int]:
        """Where all clips of an epoch start, drawn at once: a generator a clip is slower."""
        drawn_for, starts = self._random_starts
        if drawn_for != epoch:
            rng = np.random.default_rng((self.seed, epoch))
            starts = rng.integers(self._last_starts, endpoint=True).tolist()
            self._random_starts = (epoch, starts)
        return starts

    def mean_frame(self, max_clips: int = 256) -> np.ndarray:
        """Mean of the frames of up to `max_clips` clips, spread evenly.

        Args:
            max_clips: how many clips to read at most.

        Returns:
            float32 array (H, W, 3), values from 0 to 255.

        Example:

        >>> background = clips.mean_frame()
        """
        indices = self._spread(max_clips)
        total = np.zeros((*self.size, 3))
        for index in indices:
            total += self[index]["video"].mean(axis=0, dtype="float64")
        return (total / len(indices)).astype("float32")

    def variance(self, max_clips: int = 256) -> float:
        """Variance of the pixels, scaled to [0, 1], of up to `max_clips` clips, spread evenly.

        Args:
            max_clips: how many clips to read at most.

        Returns:
            The variance over all pixels and channels.

        Example:

        >>> normalized_loss = squared_error / clips.variance()
        """
        return pixel_variance(self[index]["video"] for index in self._spread(max_clips))

    def _spread(self, max_clips: int) -> list[int]:
        if max_clips < 1:
            raise ValueError(f"`max_clips` must be at least 1. Received: max_clips={max_clips}")
        count = min(max_clips, len(self))
        return [place * len(self) // count for place in range(count)]
