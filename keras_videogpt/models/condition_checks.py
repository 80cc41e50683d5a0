"""What priors check of the conditions they are given."""

import numpy as np

from keras_videogpt.models.checks import check_below, check_shape
from keras_videogpt.typing import Tensor


def check_labels(labels: Tensor, num_classes: int, name: str = "labels") -> None:
    """Raises `ValueError` unless `labels` is a batch of classes that a model can take.

    Args:
        labels: array or tensor of integers, `(B,)`. Values of NumPy arrays are checked.
        num_classes: number of classes.
        name: the argument's name in messages.
    """
    if "int" not in str(labels.dtype):
        raise ValueError(f"{name} must be integers; got {labels.dtype}.")
    if len(labels.shape) != 1:
        raise ValueError(f"{name} must have shape (B,); got {tuple(labels.shape)}.")
    check_below(labels, num_classes, name)


def check_actions(
    actions: Tensor, shape: tuple[int, ...], num_actions: int | None, name: str = "actions"
) -> None:
    """Raises `ValueError` unless `actions` is a batch of action sequences that a model can take.

    Args:
        actions: array or tensor `(B, *shape)`: floats, or integers if there are `num_actions`.
            Values of NumPy arrays are checked.
        shape: expected `(T, A)`, or `(T,)`.
        num_actions: number of discrete actions; `None` for continuous ones.
        name: the argument's name in messages.
    """
    if num_actions is None and "float" not in str(actions.dtype):
        raise ValueError(f"{name} must be floats; got {actions.dtype}.")
    if num_actions is not None and "int" not in str(actions.dtype):
        raise ValueError(f"{name} must be integers, below {num_actions}; got {actions.dtype}.")
    check_shape(actions, shape, name)
    if num_actions is None:
        _check_finite(actions, name)
    else:
        check_below(actions, num_actions, name)


def check_embeddings(embeddings: Tensor, shape: tuple[int, int], name: str = "embeddings") -> None:
    """Raises `ValueError` unless `embeddings` is a batch of sequences that a model can take.

    Args:
        embeddings: array or tensor of floats `(B, *shape)`. Values of NumPy arrays are checked.
        shape: expected `(L, D)`.
        name: the argument's name in messages.
    """
    if "float" not in str(embeddings.dtype):
        raise ValueError(f"{name} must be floats; got {embeddings.dtype}.")
    check_shape(embeddings, shape, name)
    _check_finite(embeddings, name)


def check_mask(mask: Tensor, length: int, name: str = "embedding_mask") -> None:
    """Raises `ValueError` unless `mask` is an array or tensor of bool, `(B, length)`."""
    if "bool" not in str(mask.dtype):
        raise ValueError(f"{name} must be bool, True for what is there; got {mask.dtype}.")
    check_shape(mask, (length,), name)


def _check_finite(array, name):
    if isinstance(array, np.ndarray) and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got values that are not.")
