"""Reads files that `torch.save` of PyTorch before 1.6 wrote.

They are five pickles, one after the other: a magic number, the version of the format, facts of the
machine, the object, and the keys of its storages. Then each storage follows in the order of the
keys: the number of its elements as an int64, and the elements.
"""

import io
from pathlib import Path
from typing import Any

from keras_videogpt.convert.checkpoint_file import (
    CONSTRUCTORS,
    LEGACY_MAGIC_NUMBER,
    MAX_PICKLE_BYTES,
)
from keras_videogpt.convert.pickle_reader import Refusal, read_pickle, refusals, set_items
from keras_videogpt.convert.stored_tensor import Storage, are_counts, storage_dtype

VERSION = 1001


def _ordered_dict(pairs=()):
    """An `OrderedDict`, whose items Python 2 pickled as the arguments of the call."""
    return set_items({}, [item for key, value in pairs for item in (key, value)])


class LegacyFile:
    """The storages of a file, first as the pickle claims them and then as they are found."""

    def __init__(self, path: Path):
        self.path = path
        self.num_bytes = path.stat().st_size
        self._storages = {}
        self._starts = {}

    def load_storage(self, persistent_id: Any) -> Storage:
        """The storage of a persistent id: `("storage", type, key, location, elements, view)`."""
        kind, *rest = persistent_id
        if kind != "storage":
            raise Refusal("holds something that is no tensor, such as a whole module.")
        storage_type, key, _, num_elements, view = rest
        storage = Storage(self, key, storage_dtype(kind, storage_type, key), num_elements)
        if view is not None:
            raise Refusal("holds a storage that is a view of another, which is not supported.")
        if not are_counts(num_elements) or self._storages.setdefault(key, storage) != storage:
            raise Refusal(f"is damaged: the storage {key} has no valid size and type.")
        return storage

    def find_storages(self, keys: list, position: int) -> None:
        """Finds where each storage is, from the position in the file at which they begin."""
        with self.path.open("rb") as file:
            for key in keys:
                # To hash a deeply nested tuple crashes the process.
                storage = self._storages.get(key) if type(key) is str else None
                if storage is None:
                    raise Refusal("is damaged: it lists a storage that is of no tensor.")
                file.seek(position)
                num_elements = int.from_bytes(file.read(8), "little")
                self._starts[key] = position + 8
                position += 8 + storage.num_bytes
                if position > self.num_bytes:
                    raise Refusal(f"is damaged or cut off: its storage {key} ends after it does.")
                if num_elements != storage.num_elements:
                    raise Refusal(f"is damaged: the storage {key} has not the claimed size.")
        if self._starts.keys() != self._storages.keys():
            raise Refusal("is damaged: it has tensors whose storages it does not list.")

    def read(self, name: str) -> bytes:
        """The bytes of a storage."""
        with self.path.open("rb") as file:
            file.seek(self._starts[name])
            return file.read(self._storages[name].num_bytes)


def is_legacy(path: Path) -> bool:
    """Whether a file begins as one of PyTorch before 1.6."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return LEGACY_MAGIC_NUMBER in file.read(32)


def read_legacy(path: Path) -> Any:
    """Reads a file of PyTorch before 1.6, without PyTorch.

    As with `read_checkpoint`, the file need not be trusted.

    Args:
        path: a file for which `is_legacy` is true.

    Returns:
        The object that was saved, with a `StoredTensor` for every tensor.

    Raises:
        ValueError: the file is damaged, or calls a function.

    Source: `_legacy_save` and `_legacy_load` of torch/serialization.py.
    """
    with refusals(path):
        with path.open("rb") as file:
            pickles = io.BytesIO(file.read(MAX_PICKLE_BYTES))
        magic_number = read_pickle(pickles, {}, None)
        version = read_pickle(pickles, {}, None)
        machine = read_pickle(pickles, {}, None)
        if magic_number != int.from_bytes(LEGACY_MAGIC_NUMBER, "little") or version != VERSION:
            raise Refusal("is of an unknown version of the format of PyTorch before 1.6.")
        if machine["little_endian"] is not True:
            raise Refusal("was saved on a big-endian machine; only little-endian is supported.")
        storages = LegacyFile(path)
        constructors = {**CONSTRUCTORS, "collections.OrderedDict": _ordered_dict}
        content = read_pickle(pickles, constructors, storages.load_storage)
        storages.find_storages(read_pickle(pickles, {}, None), pickles.tell())
    return content
