import keras


def linear(dense: keras.layers.Dense, x):
    """What a built `Dense` without activation computes, without the checks of a call.

    In a decoding loop on PyTorch the checks would take as long as the arithmetic. Weights and input
    must be of one dtype.

    Args:
        dense: a built layer.
        x: float `(B, inputs)`.

    Returns:
        Tensor `(B, units)`.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> linear(dense, keras.ops.ones((2, 4))).shape
        (2, 3)
    """
    x = x @ dense.kernel.value
    return x if dense.bias is None else x + dense.bias.value
