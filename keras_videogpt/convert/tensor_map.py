"""How tensors of the original become variables of ours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np

# Of a convolution's kernel, transposed or not: ours is (t, h, w, *channels reversed).
CONVOLUTION = (2, 3, 4, 1, 0)
DENSE = (1, 0)
SHOWN_NAMES = 8


@dataclass(frozen=True)
class Copy:
    """Tensors of the original that, laid end to end and transposed, are one variable of ours.

    Args:
        names: names of the tensors, of equal shape.
        variable: finds the variable in our model.
        axes: the original's axes in the order of ours; `None` for the same order.
        books: whether ours has a first axis of codebooks, of which the original has one.
    """

    names: tuple[str, ...]
    variable: Callable[[keras.Model], keras.Variable]
    axes: tuple[int, ...] | None = None
    books: bool = False

    def expected_shape(self, model: keras.Model) -> tuple[int, ...]:
        """Shape of each of the tensors."""
        shape = tuple(self.variable(model).shape)[1 if self.books else 0 :]
        if self.axes:
            shape = tuple(shape[self.axes.index(axis)] for axis in range(len(shape)))
        return (shape[0] // len(self.names), *shape[1:])

    def run(self, model: keras.Model, tensors: dict) -> None:
        """Sets the variable."""
        value = np.concatenate([tensors[name].numpy() for name in self.names])
        if self.axes:
            value = value.transpose(self.axes)
        if self.books:
            value = value[None]
        self.variable(model).assign(value.astype("float32"))


def dense(names: str | tuple[str, ...], layer: Callable, use_bias: bool = True) -> Iterator[Copy]:
    """Copies of a linear layer; several `names` are fused in one, outputs end to end."""
    names = (names,) if isinstance(names, str) else names
    kernels = tuple(f"{name}.weight" for name in names)
    yield Copy(kernels, lambda model: layer(model).kernel, DENSE)
    if use_bias:
        yield Copy(tuple(f"{name}.bias" for name in names), lambda model: layer(model).bias)


def convolution(name: str, layer: Callable, use_bias: bool = True) -> Iterator[Copy]:
    """Copies of a 3-D convolution, transposed or not."""
    yield Copy((f"{name}.weight",), lambda model: layer(model).kernel, CONVOLUTION)
    if use_bias:
        yield Copy((f"{name}.bias",), lambda model: layer(model).bias)


def batch_norm(name: str, layer: Callable) -> Iterator[Copy]:
    """Copies of a batch normalisation."""
    yield Copy((f"{name}.weight",), lambda model: layer(model).gamma)
    yield Copy((f"{name}.bias",), lambda model: layer(model).beta)
    yield Copy((f"{name}.running_mean",), lambda model: layer(model).moving_mean)
    yield Copy((f"{name}.running_var",), lambda model: layer(model).moving_variance)


def copy_tensors(copies: list[Copy], model: keras.Model, tensors: dict) -> None:
    """Sets the variables of a model, once every tensor has the shape it must have.

    Args:
        copies: what makes which variable.
        model: our model.
        tensors: the original's tensors by name; names as `check_names` accepts them.

    Raises:
        ValueError: tensors are misshapen; the message names them.
    """
    misshapen = [
        f"{name} {tuple(tensors[name].shape)}, not {copy.expected_shape(model)}"
        for copy in copies
        for name in copy.names
        if tuple(tensors[name].shape) != copy.expected_shape(model)
    ]
    if misshapen:
        raise ValueError(f"misshapen tensors: {listed(misshapen)}.")
    for copy in copies:
        copy.run(model, tensors)


def check_names(copies: list[Copy], tensors: dict) -> None:
    """Raises `ValueError`, with the names, if tensors are missing or not expected."""
    expected = {name for copy in copies for name in copy.names}
    missing = sorted(expected - tensors.keys())
    extra = sorted(tensors.keys() - expected)
    if missing or extra:
        parts = [f"missing tensors: {listed(missing)}"] if missing else []
        parts += [f"unexpected tensors: {listed(extra)}"] if extra else []
        raise ValueError("; ".join(parts) + ".")


def listed(names: list[str]) -> str:
    """Names in a line, the first few of many."""
    more = f", ... ({len(names)} in all)" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
