"""The operations of a decoding step, on PyTorch without the checks that Keras makes at each.

A step is some hundreds of operations on a few rows, and there the checks would take as long as the
arithmetic. In compiled functions they are made once.
"""

import keras

from keras_videogpt.layers import packed_linear
from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.typing import Tensor

if keras.backend.backend() == "torch":
    import torch
    from torch import reshape, sigmoid

    def cast(x: Tensor, dtype: str) -> Tensor:
        """`x` in another dtype."""
        return x.to(getattr(torch, dtype))

else:
    from keras.ops import cast, reshape, sigmoid  # type: ignore[no-redef]

__all__ = ["at", "cast", "linear", "normalize", "quick_gelu", "reshape", "sigmoid"]


def at(array: Tensor, index: Tensor) -> Tensor:
    """`array[index]`; the index is an integer, or a scalar tensor in a compiled function."""
    if keras.backend.backend() == "torch":
        return array[index]
    return keras.ops.take(array, index, axis=0)


def linear(dense: keras.layers.Dense, x: Tensor) -> Tensor:
    """What a built `Dense` without activation computes.

    Weights and input must be of one dtype.

    Args:
        dense: a built layer; its weights may be quantized to int8.
        x: float `(B, inputs)`.

    Returns:
        Tensor `(B, units)`.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> linear(dense, keras.ops.ones((2, 4))).shape
        (2, 3)
    """
    packed = packed_linear.find(dense)
    if packed is not None:
        return packed(x)
    if dense.quantization_mode == "int8":
        x = x @ cast(dense.kernel.value, dense.compute_dtype) / dense.kernel_scale.value
    else:
        x = x @ dense.kernel.value
    return x if dense.bias is None else x + dense.bias.value


def normalize(
    norm: LayerNormalization, x: Tensor, gain: Tensor, bias: Tensor, group: Tensor | None = None
) -> Tensor:
    """What a layer normalisation gives at one position.

    Args:
        norm: the built layer.
        x: float `(B, channels)`.
        gain, bias: as its `step_gain_and_bias` gives.
        group: of the position, where each group of them has its own gain and bias.

    Returns:
        Tensor of the shape of `x`.
    """
    if group is not None:
        gain, bias = at(gain, group), at(bias, group)
    if keras.backend.backend() != "torch" or norm.epsilon_placement == "outside":
        return norm.normalize(x, gain, bias)
    layer_norm, shape = torch.nn.functional.layer_norm, x.shape[-1:]
    x = x.float()
    if gain.ndim == 1:
        x = layer_norm(x, shape, gain, bias, norm.epsilon)
    else:
        x = layer_norm(x, shape, eps=norm.epsilon) * gain + bias
    return cast(x, norm.compute_dtype)


def quick_gelu(x: Tensor) -> Tensor:
    """`x * sigmoid(1.702 x)`."""
    return x * sigmoid(1.702 * x)
