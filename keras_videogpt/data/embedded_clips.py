"""Clips with a sequence of embeddings each, of a text for example."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.store import VideoStore


class EmbeddedClips(Clips):
    """`Clips` to which the embeddings of their video, or of its class, are added.

    Args:
        store: the videos.
        embeddings: float arrays (l, D) by name of the video (`store.name`) or, where it has none of
            its own, of its class; l may vary, D may not.
        **options: arguments of `Clips`.

    Attributes:
        embedding_shape: `(L, D)`, L being the largest l of all embeddings.
        embeddings: those that are used, float32.

    Raises:
        ValueError: a video has no embeddings, or the arrays are of the wrong kind.

    Example:

    >>> clips = EmbeddedClips(store, {"cats": np.ones((3, 512)), "dogs": np.ones((5, 512))})
    >>> clips[0]["embeddings"].shape, clips[0]["embedding_mask"].shape
    ((5, 512), (5,))
    """

    def __init__(
        self, store: VideoStore, embeddings: Mapping[str, np.ndarray], **options: Any
    ) -> None:
        super().__init__(store, **options)
        shapes = {np.shape(array) for array in embeddings.values()}
        sizes = {shape[-1] for shape in shapes if len(shape) == 2 and 0 not in shape}
        if len(sizes) != 1 or any(len(shape) != 2 or 0 in shape for shape in shapes):
            raise ValueError(
                "`embeddings` must be arrays (l, D), all of one D. "
                f"Received: {sorted(shapes)[:3] if shapes else 'none'}"
            )
        self.embedding_shape = (max(shape[0] for shape in shapes), sizes.pop())
        self._names = {video: self._name(video, embeddings) for video, _ in self._places}
        self.embeddings = {
            name: np.asarray(embeddings[name], "float32") for name in set(self._names.values())
        }

    def _name(self, video: int, embeddings: Mapping[str, np.ndarray]) -> str:
        """The name under which the embeddings of a video are found."""
        names = [self.store.name(video)]
        label = self.store.label(video)
        if self.store.has_labels and label is not None:
            names.append(self.store.class_names[label])
        for name in names:
            if name in embeddings:
                return name
        raise ValueError(
            f"`embeddings` must have an array for every video, or its class. Missing: {names}"
        )

    def get(
        self, index: int, epoch: int = 0, out: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """As `Clips.get`, with `embeddings` float32 (L, D) and `embedding_mask` bool (L,) too."""
        item = super().get(index, epoch, out)
        found = self.embeddings[self._names[self._places[index][0]]]
        missing = self.embedding_shape[0] - len(found)
        item["embeddings"] = np.pad(found, ((0, missing), (0, 0)))
        item["embedding_mask"] = np.arange(self.embedding_shape[0]) < len(found)
        return item


def read_embeddings(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The embeddings of a data set from a file.

    Args:
        path: an .npz file of float arrays (l, D) by name of a video or a class.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an .npz file, or arrays of objects.

    Example:

    >>> clips = EmbeddedClips(store, read_embeddings("captions.npz"))
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of embeddings (.npz) {str(path)!r}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise ValueError(f"{str(path)!r} is not an .npz file of arrays of numbers") from error
