"""What data sets of TensorFlow Datasets hold, and where."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.recording import held_out

VIDEO_FEATURES = ("video", "image_main", "image_sequence")
ACTION_FEATURES = ("action", "actions")
# A split of ours, where it is, and which of its examples belong to it.
SplitPlan = dict[str, tuple[str, Callable[[int], bool]]]


def open_builder(name: str, data_dir: str | os.PathLike | None, download: bool = False) -> Any:
    """The builder of a data set that is prepared.

    Args:
        name: name of the data set, such as `"robonet/robonet_sample_64"`.
        data_dir: where TensorFlow Datasets keeps its data; `None` for its default.
        download: whether to download and prepare it if need be.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        ImportError: tensorflow-datasets is missing.
        FileNotFoundError: the data set is not prepared, and must not be downloaded.
        ValueError: there is no such data set.

    Example:
        >>> builder = open_builder("moving_mnist", None, download=True)
    """
    tfds = optional_import("tensorflow_datasets", "tfds")
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"TensorFlow Datasets has no data set {name!r} in {data_dir or 'its default folder'}: "
            f"{reason}"
        ) from error
    if not builder.info.splits and download:
        size = builder.info.download_size
        print(
            f"TensorFlow Datasets downloads {name} ({size or 'size unknown'}; "
            f"{builder.info.homepage}) and prepares it in {builder.data_dir}."
        )
        builder.download_and_prepare(file_format="array_record")
    if not builder.info.splits:
        raise FileNotFoundError(
            f"{name} is not prepared in {builder.data_dir}. Prepare it with `tfds build {name} "
            "--file_format=array_record`, or let `keras-videogpt data prepare` download it."
        )
    return builder


def plan_splits(builder: Any) -> SplitPlan:
    """Which examples are for training, validation and testing.

    Args:
        builder: builder of a prepared data set.

    Returns:
        For `train` and `test`, and for `valid` where there is such a split, the data set's own
        split and which of its examples are taken. Of a single split, every tenth is a test video.

    Example:
        >>> plan_splits(builder)["train"][0]
        'train'
    """
    names = list(builder.info.splits)
    if "train" in names and "test" in names:
        plan = {split: (split, lambda i: True) for split in ("train", "test")}
    elif len(names) == 1 or "train" in names:
        source = "train" if "train" in names else names[0]
        plan = {"train": (source, lambda i: not held_out(i)), "test": (source, held_out)}
    else:
        raise ValueError(f"{builder.name} has the splits {names}; one must be 'train'.")
    if "validation" in names and len(names) > 1:
        plan["valid"] = ("validation", lambda i: True)
    return plan


class ExampleLayout:
    """Where in the examples of a data set videos, actions and labels are.

    Args:
        builder: builder of the data set.

    Attributes:
        class_names: as of `VideoStore`.
        action_size: as of `VideoStore`.
        length: frames of every video, if the data set declares it, else `None`.

    Raises:
        ValueError: the data set has no video.
    """

    def __init__(self, builder: Any) -> None:
        shapes, dtypes = builder.info.features.shape, builder.info.features.np_dtype
        self._video: Any = next((key for key in VIDEO_FEATURES if key in shapes), None)
        if self._video is None or len(shapes[self._video]) != 4 or dtypes[self._video] != np.uint8:
            raise ValueError(
                f"{builder.name} must have a uint8 video (T, H, W, C) as one of "
                f"{', '.join(VIDEO_FEATURES)}; it has {', '.join(sorted(shapes))}."
            )
        self._actions = next(
            (key for key in ACTION_FEATURES if key in shapes and len(shapes[key]) == 2), None
        )
        self.action_size: Any = shapes[self._actions][1] if self._actions else None
        label = builder.info.features["label"] if "label" in shapes else None
        self.class_names = tuple(getattr(label, "names", None) or ())
        lengths = {shapes[key][0] for key in (self._video, self._actions) if key}
        self.length = lengths.pop() if len(lengths) == 1 else None

    def video(self, example: dict[str, Any]) -> np.ndarray:
        """The frames of an example that have actions, uint8 (T, H, W, 3)."""
        video = np.asarray(example[self._video])
        if self._actions:
            # The last frame's action leads out of the video, and may be missing.
            video = video[: len(example[self._actions]) + 1]
        return np.repeat(video, 3, axis=-1) if video.shape[-1] == 1 else video[..., :3]

    def actions(self, example: dict[str, Any]) -> np.ndarray | None:
        """A row for each frame of `video`, float32 (T, A); `None` without actions."""
        if not self._actions:
            return None
        frames = min(len(example[self._video]), len(example[self._actions]) + 1)
        rows = np.zeros((frames, self.action_size), "float32")
        given = np.asarray(example[self._actions], "float32")[:frames]
        rows[: len(given)] = given
        return rows

    def label(self, example: dict[str, Any]) -> int | None:
        """The label; `None` without classes."""
        if not self.class_names:
            return None
        label = int(example["label"])
        if not 0 <= label < len(self.class_names):
            raise ValueError(
                f"A label must lie in [0, {len(self.class_names) - 1}], the table of classes; "
                f"got {label}."
            )
        return label
