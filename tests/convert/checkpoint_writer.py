"""Writes checkpoint files without PyTorch, operation by operation of their pickles."""

import pickle
import struct
import zipfile

import numpy as np
import pytest

from keras_videogpt.convert.checkpoint_file import read_checkpoint

NUMBERS = np.arange(24, dtype="float32") - 7


def encode(value) -> bytes:
    """The operations that put a value on the stack; bytes are such operations already."""
    if isinstance(value, bytes):
        return value
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        number = pickle.encode_long(value)
        return b"\x8b" + struct.pack("<i", len(number)) + number
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return b"(" + b"".join(encode(item) for pair in value.items() for item in pair) + b"d"
    operation = {tuple: b"t", list: b"l"}[type(value)]
    return b"(" + b"".join(map(encode, value)) + operation


def name(full_name: str) -> bytes:
    module, _, attribute = full_name.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def call(full_name: str, *arguments) -> bytes:
    return name(full_name) + encode(arguments) + b"R"


def storage(key="0", kind="torch.FloatStorage", count=24) -> bytes:
    return encode(("storage", name(kind), key, "cpu", count)) + b"Q"


def tensor(stored, offset=0, size=(24,), stride=(1,)) -> bytes:
    hooks = call("collections.OrderedDict")
    return call("torch._utils._rebuild_tensor_v2", stored, offset, size, stride, False, hooks)


def namespace(**values) -> bytes:
    return name("argparse.Namespace") + b")\x81" + encode(values) + b"b"


def write(path, content, storages=None, **options):
    """A checkpoint file of a value, with the raw bytes of its storages."""
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("run/data.pkl", b"\x80\x02" + encode(content) + b".")
        file.writestr("run/byteorder", "little")
        for key, numbers in (storages or {"0": NUMBERS.tobytes()}).items():
            file.writestr(f"run/data/{key}", numbers)
    return path


def refusal(path, read=read_checkpoint) -> str:
    """The message of a refusal, without the path that it must start with."""
    with pytest.raises(ValueError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(f"{path} ") and "\n" not in message and len(message) < 500
    return message.removeprefix(f"{path} ")
