"""Weights of linear layers in the order that a processor reads them: for decoding with PyTorch.

A file for PyTorch alone. For batches of a few rows its own matrix product reaches a third of what
the memory allows; that of oneDNN, which it has too, reaches it all from weights laid out in blocks.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator

import keras

from keras_videogpt.layers.int8_weights import dense_layers, float_kernel

_PACKED = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def packed(layers: Iterable[keras.Layer], batch_size: int) -> Iterator[None]:
    """Within it, `find` has the `Dense` layers among and in some, with their weights as they are.

    Integers are packed as the floats they stand for. On other backends and devices it has none.

    Args:
        layers: any built layers.
        batch_size: rows that the layers will be given; others work too.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> with packed([dense], batch_size=2):
        ...     found = find(dense)
    """
    denses = dense_layers(layers) if _can_pack() else []
    _PACKED.update((dense, _pack(dense, batch_size)) for dense in denses)
    try:
        yield
    finally:
        for dense in denses:
            _PACKED.pop(dense, None)


def find(dense: keras.layers.Dense) -> Callable | None:
    """What computes the layer's output of `(B, inputs)` from packed weights; `None` if not packed.

    Args:
        dense: a layer without activation.
    """
    return _PACKED.get(dense) if _PACKED else None


def _can_pack():
    if keras.backend.backend() != "torch":
        return False
    import torch

    # What torch.compile makes of a linear layer; not in every build of PyTorch.
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return there and keras.ops.zeros(()).device.type == "cpu"


def _pack(dense, batch_size):
    import torch

    weight = float_kernel(dense).detach().t().contiguous()
    with torch.no_grad():
        weight = torch.ops.mkldnn._reorder_linear_weight(weight, batch_size)
    bias = None if dense.bias is None else dense.bias.value.detach()
    product = torch.ops.mkldnn._linear_pointwise

    def multiply(x):
        return product(x, weight, bias, "none", [], "")

    return multiply
