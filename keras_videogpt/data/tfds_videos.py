"""Data sets of TensorFlow Datasets as stores."""

import json
import os
import threading
from typing import Any

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.prepared import cache_folder
from keras_videogpt.data.store import VideoStore
from keras_videogpt.data.tfds_dataset import ExampleLayout, open_builder, plan_splits
from keras_videogpt.paths import write_file

_LAST = threading.local()


class TFDSVideos(VideoStore):
    """A video data set of TensorFlow Datasets that is stored with random access.

    Of an example's features it takes the video (`video`, `image_main` or `image_sequence`; grey
    ones get three channels), the actions (`action` or `actions`; where there is one fewer than
    frames, a row of zeros ends them) and the `label`. Lengths that the data set does not declare
    are found by one pass over it, and remembered. A clip costs the decoding of its whole video;
    a folder of videos, as `keras-videogpt data prepare` makes it, reads faster.

    Args:
        name: name of the data set, such as `"bair_robot_pushing_small"`.
        split: `"train"`, `"test"` or `"valid"`. Without a validation split the test split is one;
            of a data set with a single split, every tenth video is a test video.
        data_dir: where TensorFlow Datasets keeps its data; `None` for its default.
        progress: whether to show a progress bar while lengths are found.

    Raises:
        ImportError: tensorflow-datasets is missing.
        FileNotFoundError: the data set is not prepared.
        ValueError: no such data set, no video in it, or stored without random access.

    Example:
        >>> store = TFDSVideos("bair_robot_pushing_small", "test")
        >>> store.frames(0, count=16).shape, store.action_size
        ((16, 64, 64, 3), 4)
    """

    def __init__(
        self,
        name: str,
        split: str = "train",
        data_dir: str | os.PathLike | None = None,
        progress: bool = True,
    ) -> None:
        builder = open_builder(name, data_dir)
        plan = plan_splits(builder)
        if split not in ("train", "valid", "test"):
            raise ValueError(f"split must be 'train', 'valid' or 'test'; got {split!r}.")
        source, belongs = plan.get(split, plan["test"])
        try:
            self._source = builder.as_data_source(source)
        except NotImplementedError as error:
            raise ValueError(
                f"{name} in {builder.data_dir} is stored as {builder.info.file_format.value}, "
                "which has no random access. Make it a folder of videos with `keras-videogpt data "
                "prepare`, or prepare it with `tfds build --file_format=array_record`."
            ) from error
        self.dataset_name = name
        self.split = split
        self.skipped = []
        self.layout = ExampleLayout(builder)
        self.class_names = self.layout.class_names
        self.action_size = self.layout.action_size
        self._numbers = [i for i in range(len(self._source)) if belongs(i)]
        if not self._numbers:
            raise ValueError(f"The {split} split of {name} holds no video.")
        key = f"{builder.info.full_name}-{source}-{len(self._source)}".replace("/", "-")
        self._lengths = self._find_lengths(key, progress)

    def __len__(self) -> int:
        return len(self._numbers)

    def num_frames(self, index: int) -> int:
        return self._lengths[self._numbers[index]]

    def frames(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray:
        wanted = self.frame_slice(index, start, count, stride)
        return self.layout.video(self._read(index))[wanted]

    def name(self, index: int) -> str:
        return f"{self.dataset_name}:{self.split}[{index}]"

    def label(self, index: int) -> int | None:
        return self.layout.label(self._read(index)) if self.has_labels else None

    def actions(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray | None:
        if not self.has_actions:
            return None
        wanted = self.frame_slice(index, start, count, stride)
        actions = self.layout.actions(self._read(index))
        return None if actions is None else actions[wanted]

    def _read(self, index: int) -> dict[str, Any]:
        # A thread asks for the frames, the label and the actions of a video one after the other.
        read: tuple[Any, Any, Any] = getattr(_LAST, "read", (None, None, None))
        store, last, example = read
        if store is not self or last != index:
            example = self._source[self._numbers[index]]
            _LAST.read = (self, index, example)
        return example

    def _find_lengths(self, key: str, progress: bool) -> list[int]:
        count = len(self._source)
        if self.layout.length is not None:
            return [self.layout.length] * count
        path = cache_folder() / f"tfds-{key}.json"
        if path.exists():
            return json.loads(path.read_text())
        examples = tqdm(range(count), "Measuring videos", disable=not progress)
        lengths = [len(self.layout.video(self._source[i])) for i in examples]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, lambda hidden: hidden.write_text(json.dumps(lengths)))
        except OSError:  # a home that cannot be written: they are found anew next time
            pass
        return lengths
