"""Reads PyTorch Lightning checkpoint files, without PyTorch and without running what they hold.

A checkpoint is a zip file with a pickle, `data.pkl`, and one raw member a storage of tensors.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from keras_videogpt.convert.pickle_reader import (
    Namespace,
    Refusal,
    describe,
    read_pickle,
    refusals,
)
from keras_videogpt.convert.stored_tensor import Archive, StoredTensor, load_storage

MAX_PICKLE_BYTES = 8 * 2**20  # of real checkpoints a few hundred KiB
MAX_HYPER_PARAMETERS = 10_000  # values, those in lists and dicts too

# What PyTorch before 1.6 puts first, in place of a zip file.
LEGACY_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")

# What a checkpoint may call, and what is called instead.
CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": lambda: {},
    "argparse.Namespace": Namespace,
    "torch.Size": lambda sizes: sizes,
    "torch._utils._rebuild_tensor": StoredTensor,
    "torch._utils._rebuild_tensor_v2": lambda storage, offset, shape, strides, *_: StoredTensor(
        storage, offset, shape, strides
    ),
    "torch._utils._rebuild_parameter": lambda data, requires_grad, hooks: data,
}


def _check_is_checkpoint(path: Path) -> None:
    """Says what a file is that has not even the beginning of a checkpoint."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if not path.is_file():
        raise ValueError(f"{path} is no file, and so no checkpoint.")
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(b"PK"):
        return
    if not head:
        what = "is empty; download or copy it again."
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        what = (
            "is a web page (HTML) and no checkpoint: the download failed. Download it again, "
            "and look at the page in a browser for the reason."
        )
    elif LEGACY_MAGIC_NUMBER in head[:32]:
        what = (
            "is in the format of PyTorch before 1.6. Re-save it with a current PyTorch: "
            "torch.save(torch.load(path), new_path)."
        )
    else:
        what = "is no PyTorch checkpoint: that would be a zip file."
    raise ValueError(f"{path} {what}")


def read_checkpoint(path: str | os.PathLike) -> dict:
    """Reads a checkpoint file that `torch.save` wrote, without PyTorch.

    The file need not be trusted: nothing in it is imported or executed, and no more memory is used
    than what its size justifies. Functions and classes it names become a `GlobalReference`, an
    `argparse.Namespace` a `Namespace` of our own. One that calls a function is refused.

    Args:
        path: a file of PyTorch 1.6 or later.

    Returns:
        The dict that was saved, with a `StoredTensor` for every tensor. These keep the file open.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, is damaged, or calls a function.

    Example:
        >>> import pickle, zipfile
        >>> with zipfile.ZipFile("run.ckpt", "w") as file:
        ...     file.writestr("run/data.pkl", pickle.dumps({"epoch": 3}, protocol=2))
        >>> read_checkpoint("run.ckpt")
        {'epoch': 3}

    Source: the file format of `torch.save`, pytorch.org/docs/stable/notes/serialization.html.
    """
    path = Path(path)
    _check_is_checkpoint(path)
    with refusals(path):
        archive = Archive(path)
        content = read_pickle(
            archive.read("data.pkl", MAX_PICKLE_BYTES), CONSTRUCTORS, partial(load_storage, archive)
        )
        if type(content) is not dict:
            raise Refusal(f"holds {describe(content)}, not the dict that a checkpoint is.")
    return content


def read_lightning(path: str | os.PathLike) -> tuple[dict[str, StoredTensor], dict[str, object]]:
    """Reads the tensors and the hyper-parameters of a PyTorch Lightning checkpoint.

    Args:
        path: a `.ckpt` file; see `read_checkpoint`.

    Returns:
        The `state_dict`, name to tensor; and the hyper-parameters, name to value: those of the
        `Namespace` called `args` if there is one, as in the original VideoGPT's checkpoints.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no Lightning checkpoint, is damaged, or calls a function.

    Example:
        >>> import pickle, zipfile
        >>> content = {"state_dict": {}, "hyper_parameters": {"n_codes": 2048}}
        >>> with zipfile.ZipFile("run.ckpt", "w") as file:
        ...     file.writestr("run/data.pkl", pickle.dumps(content, protocol=2))
        >>> read_lightning("run.ckpt")
        ({}, {'n_codes': 2048})

    Source: github.com/wilson1yan/VideoGPT, whose models call `save_hyperparameters`.
    """
    content = read_checkpoint(path)
    for key in ("state_dict", "hyper_parameters"):
        if type(content.get(key)) is not dict:
            raise ValueError(
                f"{path} is no checkpoint of PyTorch Lightning: it has no dict '{key}'."
            )
    state_dict, hyper_parameters = content["state_dict"], content["hyper_parameters"]
    for name, tensor in state_dict.items():
        if type(name) is not str or not isinstance(tensor, StoredTensor):
            raise ValueError(
                f"{path} is no checkpoint of PyTorch Lightning: its 'state_dict' must hold names "
                f"and tensors, and holds {describe(tensor)} under a {type(name).__name__}."
            )
    hyper_parameters = hyper_parameters.get("args", hyper_parameters)
    if isinstance(hyper_parameters, Namespace):
        hyper_parameters = dict(vars(hyper_parameters))
    if type(hyper_parameters) is not dict or any(type(key) is not str for key in hyper_parameters):
        raise ValueError(
            f"{path} is no checkpoint of PyTorch Lightning: its 'hyper_parameters' must be names "
            "and values."
        )
    if not _is_small(hyper_parameters):
        raise ValueError(
            f"{path} has 'hyper_parameters' of more than {MAX_HYPER_PARAMETERS} values."
        )
    return state_dict, hyper_parameters


def _is_small(value: Any) -> bool:
    """Whether a value, written out, is: one that holds itself twice over and over is not."""
    count, left = 0, [value]
    while left:
        value = left.pop()
        if isinstance(value, Namespace):
            value = vars(value)
        if type(value) in (dict, list, tuple):
            count += len(value)
            if count > MAX_HYPER_PARAMETERS:
                return False
            left.extend(value.values() if type(value) is dict else value)
    return True
