"""Linear layers whose weights are 8-bit integers: `Dense` as Keras quantizes it, weights alone.

Keras rounds the inputs of such layers too, by default. A difference in their last digit then may
become one of a whole integer: steps would differ from the model, and one backend from another.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras
from keras import ops
from keras.quantizers import Int8QuantizationConfig

from keras_videogpt.typing import Tensor

INT8 = Int8QuantizationConfig(activation_quantizer=None)


def dense_layers(layers: Iterable[keras.Layer]) -> list[keras.layers.Dense]:
    """The `Dense` layers among and in some, in their order.

    Args:
        layers: any built layers.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense_layers([dense, keras.layers.Dropout(0.1)]) == [dense]
        True
    """
    return [
        one
        for layer in layers
        for one in layer._flatten_layers()
        if isinstance(one, keras.layers.Dense)
    ]


def float_kernel(dense: keras.layers.Dense) -> Tensor:
    """The weights that a layer multiplies with, in its compute dtype.

    Args:
        dense: a built layer, quantized to int8 or not.

    Returns:
        Tensor `(inputs, units)`.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> before = keras.ops.convert_to_numpy(float_kernel(dense))
        >>> dense.quantize("int8", config=INT8)
        >>> bool(np.allclose(before, keras.ops.convert_to_numpy(float_kernel(dense)), atol=0.01))
        True
    """
    kernel = dense.kernel.value
    if dense.quantization_mode != "int8":
        return kernel
    return ops.cast(kernel, dense.compute_dtype) / dense.kernel_scale.value


@contextmanager
def quick_deletion() -> Iterator[None]:
    """Variables are deleted without a search of the whole memory for cycles, one by one.

    Keras collects garbage whenever a layer loses a variable, and a layer that is quantized loses
    one: in a notebook that has trained for a while, seconds each.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> with quick_deletion():
        ...     dense.quantize("int8", config=INT8)
        >>> str(dense.kernel.dtype)
        'int8'
    """
    if gc.get_freeze_count():
        # Somebody's own, which to unfreeze here would undo.
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
