from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


def averages(model: keras.Model) -> list[keras.Variable] | None:
    """The moving averages that a model's optimizer keeps of the trained weights, in their order.

    Args:
        model: a compiled model, whose optimizer may wrap another.

    Returns:
        Variables; `None` without `use_ema`, and before the optimizer is built.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("adam")
        >>> averages(model) is None
        True
    """
    optimizer = model.optimizer
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    # Keras has no public name for them; its own SwapEMAWeights takes them here, too.
    return getattr(optimizer, "_model_variables_moving_average", None)


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Within it, a model has the averages of its weights in their place, if there are any.

    Unlike with `keras.callbacks.SwapEMAWeights`, the weights are afterwards bit for bit what they
    were, so that training, and a checkpoint, goes on from them.

    Args:
        model: a compiled model.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.Adam(use_ema=True))
        >>> with averaged(model):
        ...     model.save("averaged.keras")
    """
    means = averages(model)
    if means is None:
        yield
        return
    # Copies: a variable that shares its array with another would lose it where JAX donates it.
    own = [np.array(keras.ops.convert_to_numpy(v)) for v in model.trainable_variables]
    for variable, mean in zip(model.trainable_variables, means, strict=True):
        variable.assign(np.array(keras.ops.convert_to_numpy(mean)))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)
