import dataclasses
import math
import re
import zipfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_videogpt.convert.pickle_reader import Refusal, describe, refusals

MAX_DIMENSIONS = 32

STORAGE_DTYPES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.storage.UntypedStorage": "uint8",
}


class Archive:
    """The members of a checkpoint's zip file, which are in one folder and not compressed."""

    def __init__(self, path: Path):
        self.path = path
        self.num_bytes = path.stat().st_size
        self.zip = zipfile.ZipFile(path)
        names = self.zip.namelist()
        pickles = [name for name in names if re.fullmatch(r"[^/]+/data\.pkl", name)]
        if len(pickles) != 1:
            raise Refusal(
                "is a zip file, but no PyTorch checkpoint: it must hold one data.pkl, "
                f"and holds {len(pickles)}."
            )
        self.folder = pickles[0].removesuffix("data.pkl")
        if self.folder + "byteorder" in names and self.read("byteorder", 16) != b"little":
            raise Refusal("was saved on a big-endian machine; only little-endian is supported.")

    def member_bytes(self, name: str) -> int:
        """Size of a member, which is not more than what the file really has."""
        try:
            member = self.zip.getinfo(self.folder + name)
        except KeyError:
            raise Refusal(f"is damaged: it has no member {name}.") from None
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise Refusal(f"is compressed in its member {name}, which PyTorch never does.")
        if member.header_offset + member.file_size > self.num_bytes:
            raise Refusal(f"is damaged or cut off: its member {name} ends after the file does.")
        return member.file_size

    def read(self, name: str, max_bytes: float = math.inf) -> bytes:
        num_bytes = self.member_bytes(name)
        if num_bytes > max_bytes:
            raise Refusal(f"has a {name} of {num_bytes} bytes; at most {max_bytes} are read.")
        try:
            return self.zip.read(self.folder + name)
        except zipfile.BadZipFile as error:
            raise Refusal(
                f"is damaged: its member {name} fails its checksum; download or copy it again."
            ) from error


class StorageFile(Protocol):
    """A file of storages: an `Archive`, or one in the format before it."""

    path: Path
    num_bytes: int

    def read(self, name: str) -> bytes: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """The numbers one or more tensors are views of: what `archive.read(name)` gives."""

    archive: StorageFile
    name: str
    dtype: str
    num_elements: int

    @property
    def stored_dtype(self) -> np.dtype:
        dtype = "uint16" if self.dtype == "bfloat16" else self.dtype  # NumPy has no bfloat16
        return np.dtype(dtype).newbyteorder("<")

    @property
    def num_bytes(self) -> int:
        return self.num_elements * self.stored_dtype.itemsize


def storage_dtype(kind: Any, storage_type: Any, key: Any) -> str:
    """The dtype that a persistent id says a storage has, once its other parts are valid."""
    dtype = STORAGE_DTYPES.get(describe(storage_type))
    if kind != "storage" or dtype is None:
        raise Refusal("holds something that is no tensor of a known type.")
    if type(key) is not str or not re.fullmatch("[0-9]{1,20}", key):
        raise Refusal("is damaged: the key of a storage must be a number.")
    return dtype


def load_storage(archive: Archive, persistent_id: Any) -> Storage:
    """The storage of a persistent id: `("storage", type, key, location, number of elements)`."""
    kind, storage_type, key, _, num_elements = persistent_id
    dtype = storage_dtype(kind, storage_type, key)
    storage = Storage(archive, f"data/{key}", dtype, num_elements)
    if not are_counts(num_elements) or archive.member_bytes(storage.name) != storage.num_bytes:
        raise Refusal(f"is damaged: the size of its member {storage.name} is not the claimed one.")
    return storage


def are_counts(*numbers: object) -> bool:
    """Whether all are ints that an int64 holds, and none is negative."""
    return all(type(number) is int and 0 <= number < 2**63 for number in numbers)


class StoredTensor:
    """A tensor of a checkpoint file, read from it when asked for.

    Attributes:
        shape: tuple of ints.
        dtype: name of the NumPy dtype that `numpy` gives; `"float32"` for bfloat16.
    """

    def __init__(self, storage: Any, offset: int, shape: tuple, strides: tuple):
        if not (
            isinstance(storage, Storage)
            and type(shape) is type(strides) is tuple
            and len(shape) == len(strides) <= MAX_DIMENSIONS
            and are_counts(offset, *shape, *strides)
        ):
            raise Refusal(f"holds a tensor without a valid shape, of up to {MAX_DIMENSIONS} axes.")
        last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        if 0 not in shape and last >= storage.num_elements:
            raise Refusal(f"is damaged: a tensor reaches past the end of {storage.name}.")
        # A stride of 0 repeats elements, and so could make a tensor of any size.
        num_bytes = math.prod(max(n, 1) for n in shape) * storage.stored_dtype.itemsize
        if num_bytes > storage.archive.num_bytes:
            raise Refusal(f"holds a tensor of shape {shape}, which is larger than the file.")
        self.shape = shape
        self.dtype = "float32" if storage.dtype == "bfloat16" else storage.dtype
        self._storage = storage
        self._offset = offset
        self._strides = [stride if n > 1 else 0 for n, stride in zip(shape, strides, strict=True)]

    def numpy(self) -> np.ndarray:
        """The numbers, as an array of their own.

        Raises:
            ValueError: the file is damaged.
        """
        if 0 in self.shape:
            return np.zeros(self.shape, self.dtype)
        storage = self._storage
        with refusals(storage.archive.path):
            dtype = storage.stored_dtype
            view = np.ndarray(
                self.shape,
                dtype,
                storage.archive.read(storage.name),
                self._offset * dtype.itemsize,
                [stride * dtype.itemsize for stride in self._strides],
            )
            if storage.dtype == "bfloat16":  # the upper half of a float32
                bits = np.array(view, "uint32", order="C")
                bits <<= 16
                return bits.view("float32")
            return np.array(view, self.dtype, order="C")

    def __repr__(self):
        return f"<StoredTensor {self.dtype} {self.shape}>"
