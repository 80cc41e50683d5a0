"""What `fit` yields, and how models read it: dictionaries of a batch, or a bare video tensor."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from keras_videogpt.models.checks import check_positive
from keras_videogpt.typing import Tensor


def field(batch: Any, name: str) -> Any:
    """One field of a batch: of a dictionary by name, or the bare tensor itself."""
    if isinstance(batch, dict):
        if name not in batch:
            raise ValueError(f"A batch must have the key {name!r}; it has {sorted(batch)}.")
        return batch[name]
    return batch


def is_video(array: Tensor) -> bool:
    """Whether a bare batch holds video (uint8 or float) and not codes (other integers)."""
    return "float" in str(array.dtype) or "uint8" in str(array.dtype)


def video_or_codes(batch: Any) -> dict:
    """A prior's batch with the key `video` or `codes`; a bare tensor is told by its dtype."""
    if not isinstance(batch, dict):
        return {"video" if is_video(batch) else "codes": batch}
    if not {"codes", "video"} & set(batch):
        raise ValueError(f"A batch must have the key 'codes' or 'video'; it has {sorted(batch)}.")
    return batch


def fit_arguments(x: Any, arguments: dict) -> tuple:
    """What `fit` passes on to Keras for data that it can't take, or warns about, as it is.

    Args:
        x: what `fit` was given.
        arguments: the other arguments of `fit`.

    Returns:
        `x`, with the batches of a generator wrapped in tuples, as Keras wants them; and the
        arguments, where only arrays are shuffled by Keras.
    """
    if isinstance(x, Iterator):
        x = (batch if isinstance(batch, tuple) else (batch,) for batch in x)
    if not (isinstance(x, dict) or hasattr(x, "shape")):
        arguments = {"shuffle": False, **arguments}
    return x, arguments


def first_batches(x: Any, count: int, batch_size: int = 32) -> Iterator:
    """Up to `count` batches of what `fit` was given, without using up what can't be read twice.

    Args:
        x: arrays (a NumPy array or a dictionary of them), a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a PyTorch `DataLoader`, or a one-shot generator.
        count: most batches to read.
        batch_size: size of the batches cut from arrays.

    Yields:
        Batches as `x` has them; none of a one-shot generator.
    """
    if isinstance(x, dict) or hasattr(x, "shape"):
        arrays = x if isinstance(x, dict) else {"video": x}
        size = len(next(iter(arrays.values())))
        for start in range(0, min(size, count * batch_size), batch_size):
            yield {name: array[start : start + batch_size] for name, array in arrays.items()}
    elif hasattr(x, "__getitem__") and hasattr(x, "__len__"):  # PyDataset
        for index in range(min(count, len(x))):
            yield x[index]
    elif not isinstance(x, Iterator):  # tf.data, DataLoader: each pass starts anew
        yield from islice(x, count)


def check_lengths(arrays: Any) -> None:
    """Raises `ValueError` unless the arrays of a dictionary are of equally many clips."""
    lengths = {name: len(x) for name, x in arrays.items()} if isinstance(arrays, dict) else {}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Arrays must be of equally many clips; got {lengths}.")


def as_numpy(tensor: Tensor) -> np.ndarray:
    """A tensor of any backend as a NumPy array; the parts of replicas are put together."""
    if isinstance(parts := getattr(tensor, "values", None), tuple):
        return np.concatenate([np.asarray(part) for part in parts])
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
    return np.asarray(tensor)


def in_batches(
    function: Callable, arrays: np.ndarray | dict[str, np.ndarray], batch_size: int
) -> np.ndarray:
    """`function` of consecutive batches of an array, or of a dictionary of them, concatenated."""
    check_positive(batch_size=batch_size)
    first = next(iter(arrays.values())) if isinstance(arrays, dict) else arrays
    parts = []
    for start in range(0, len(first), batch_size):
        part = slice(start, start + batch_size)
        batch = (
            {name: array[part] for name, array in arrays.items()}
            if isinstance(arrays, dict)
            else arrays[part]
        )
        # Each replica of a `tf.distribute` strategy predicts the whole batch, one after the other.
        size = len(first[part])
        parts.append(as_numpy(function(batch))[:size])
    return np.concatenate(parts)
