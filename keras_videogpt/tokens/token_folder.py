import json
import os
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.read_into import read_into
from keras_videogpt.paths import write_file

DESCRIPTION_NAME = "tokens.json"
OPEN_FILES = 256
FORMAT = {"format": "keras_videogpt tokens", "version": 1}


def is_token_folder(path: str | os.PathLike) -> bool:
    """Whether there is a folder of stored tokens, finished or not."""
    return (Path(path) / DESCRIPTION_NAME).is_file()


class TokenFolder:
    """A folder of stored tokens: what it holds, and its shards.

    `tokens.json` describes it. `train/00000.npy`, `test/00000.npy` and so on are the shards: arrays
    of records, one a clip, with the field `codes` (int16, or int32 where codes need it), and where
    they are stored `label` (int32), `actions` (float32), `embeddings` (float32) with
    `embedding_mask` (bool), and `frames` (uint8). The passes of a split follow one another: record
    `pass * num_clips + index`.

    A record lies in one piece and uncompressed: whatever the order, a clip is one short read, where
    an .npz would have to be unpacked. `numpy.load(shard, mmap_mode="r")["codes"]` shows a shard.

    Args:
        folder: the folder.

    Attributes:
        description: what `tokens.json` says.
        class_names: names of the labels 0, 1, ...; empty without labels.
        action_size: length of the action vector of a frame; `None` without actions.

    Raises:
        FileNotFoundError: no folder, or no `tokens.json` in it.
        ValueError: `tokens.json` is of another kind or version.

    Example:
        >>> TokenFolder("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: nowhere holds no stored tokens: there is no nowhere/tokens.json.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        path = self.folder / DESCRIPTION_NAME
        if not is_token_folder(folder):
            raise FileNotFoundError(f"{folder} holds no stored tokens: there is no {path}.")
        try:
            self.description = json.loads(path.read_text())
            if {name: self.description.get(name) for name in FORMAT} != FORMAT:
                raise ValueError(f"it must have {FORMAT}")
            fields = self.description["fields"]
            self.record = np.dtype(
                [(name, dtype, tuple(shape)) for name, (dtype, shape) in fields.items()]
            )
            self.class_names = tuple(self.description["class_names"])
            self.action_size = fields["actions"][1][-1] if "actions" in fields else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} describes no tokens that can be read: {error}.") from error
        self._first_bytes: dict[tuple[str, int], int] = {}
        self._files: dict[tuple[str, int], FileIO] = {}

    @property
    def has_labels(self) -> bool:
        """Whether every clip has a label."""
        return bool(self.class_names)

    @property
    def has_actions(self) -> bool:
        """Whether every frame has an action."""
        return self.action_size is not None

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self.description["splits"])

    def num_clips(self, split: str) -> int:
        """Clips of a split in one pass."""
        return self._split(split)["clips"]

    def passes(self, split: str) -> int:
        """How often each clip of a split is stored, with other random choices every time."""
        return self._split(split)["passes"]

    def num_shards(self, split: str) -> int:
        """Shards of a split."""
        return -(-self._num_records(split) // self.description["clips_per_shard"])

    def records_of(self, split: str, shard: int) -> range:
        """Which records a shard holds."""
        size = self.description["clips_per_shard"]
        return range(shard * size, min((shard + 1) * size, self._num_records(split)))

    def missing_shards(self) -> list[tuple[str, int]]:
        """`(split, shard)` of the shards that are not there, or not whole, in their order."""
        return [
            (split, shard)
            for split in self.splits
            for shard in range(self.num_shards(split))
            if not self._has_shard(split, shard)
        ]

    def write_shard(self, split: str, shard: int, records: np.ndarray) -> None:
        """Writes a shard, complete or not at all."""
        path = self._path(split, shard)
        path.parent.mkdir(exist_ok=True)
        write_file(path, lambda file: np.save(file, records, allow_pickle=False))

    def read(self, split: str, positions: Sequence[int]) -> np.ndarray:
        """Reads records; `missing_shards` must have been asked before.

        Nothing is mapped or kept, so that memory stays the same however many are read. The files
        stay open, up to a number.
        """
        size, itemsize = self.description["clips_per_shard"], self.record.itemsize
        memory = np.empty((len(positions), itemsize), "uint8")
        for record, position in zip(memory, positions, strict=True):
            shard, offset = divmod(position, size)
            start = self._first_bytes[split, shard] + offset * itemsize
            if not read_into(self._open(split, shard), record, start):
                raise OSError(f"{self._path(split, shard)} was cut short while in use.")
        return memory.view(self.record)[:, 0]

    def summary(self, split: str) -> str:
        """What a split holds, in words."""
        parts = [f"{self.num_clips(split):,} clips"]
        if self.passes(split) > 1:
            parts[0] += f" in {self.passes(split)} passes"
        for name in self.record.names or ():
            dtype = self.record[name]
            parts.append(f"{name} {dtype.base}" + (f" {dtype.shape}" if dtype.shape else ""))
        if self.has_labels:
            parts.append(f"{len(self.class_names)} classes")
        size = self._num_records(split) * self.record.itemsize / 2**20
        return f"{split}: {', '.join(parts)}; {size:,.1f} MiB"

    def _split(self, split: str) -> dict[str, Any]:
        if split not in self.splits:
            raise ValueError(f"split must be one of {list(self.splits)}; got {split!r}.")
        return self.description["splits"][split]

    def _num_records(self, split: str) -> int:
        return self.num_clips(split) * self.passes(split)

    def _open(self, split: str, shard: int) -> FileIO:
        file = self._files.get((split, shard))
        if file is None:
            if len(self._files) >= OPEN_FILES:
                self._files = {}
            file = self._files[split, shard] = open(self._path(split, shard), "rb", buffering=0)
        return file

    def _path(self, split: str, shard: int) -> Path:
        return self.folder / split / f"{shard:05d}.npy"

    def _has_shard(self, split: str, shard: int) -> bool:
        try:
            array = np.load(self._path(split, shard), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):  # absent, cut short, or of another kind
            return False
        self._first_bytes[split, shard] = array.offset
        return array.dtype == self.record and len(array) == len(self.records_of(split, shard))
