import math
import os
from pathlib import Path

import numpy as np

from keras_videogpt.convert.checkpoint_file import read_checkpoint
from keras_videogpt.convert.legacy_file import is_legacy, read_legacy
from keras_videogpt.convert.pickle_reader import describe
from keras_videogpt.convert.stored_tensor import StoredTensor

# Tensors can share their numbers, and bfloat16 doubles in size: honest files need no more.
MAX_EXPANSION = 4


def open_state_dict(path: str | os.PathLike) -> dict[str, StoredTensor]:
    """Opens a state dict that `torch.save` wrote, without PyTorch; each tensor is read when used.

    The file need not be trusted: nothing in it is imported or executed.

    Args:
        path: a file of any version of PyTorch, of a state dict or of a dict that holds one as
            `"state_dict"`.

    Returns:
        Tensors by name; each has a `shape`, a `dtype` and a method `numpy`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no state dict, is damaged, or calls a function.

    Source: the file formats of `torch.save`, pytorch.org/docs/stable/notes/serialization.html.
    """
    path = Path(path)
    content = read_legacy(path) if is_legacy(path) else read_checkpoint(path)
    if type(content) is dict and type(content.get("state_dict")) is dict:
        content = content["state_dict"]
    if type(content) is not dict:
        raise ValueError(f"{path} holds {describe(content)}, not a state dict.")
    for name, tensor in content.items():
        if type(name) is not str or not isinstance(tensor, StoredTensor):
            raise ValueError(
                f"{path} holds no state dict: that would be names and tensors, and it holds "
                f"{describe(tensor)} under a {type(name).__name__}."
            )
    return content


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a state dict that `torch.save` wrote, without PyTorch.

    Args:
        path: a file as `open_state_dict` takes.

    Returns:
        Arrays by name, of the dtypes of the tensors; float32 for bfloat16.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no state dict, is damaged, or calls a function.

    Example:
        >>> import pickle, zipfile
        >>> with zipfile.ZipFile("weights.pth", "w") as file:
        ...     file.writestr("weights/data.pkl", pickle.dumps({}, protocol=2))
        >>> read_state_dict("weights.pth")
        {}
    """
    tensors = open_state_dict(path)
    num_bytes = sum(
        math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize for tensor in tensors.values()
    )
    if num_bytes > MAX_EXPANSION * Path(path).stat().st_size:
        raise ValueError(f"{path} holds tensors of {num_bytes} bytes, far more than the file has.")
    return {name: tensor.numpy() for name, tensor in tensors.items()}
