from typing import Any

import keras

from keras_videogpt.callbacks.callback_list import as_numbers


def optimizer_values(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """What an optimizer did in its last step, read from the device.

    Args:
        optimizer: any optimizer; one that wraps another, as `LossScaleOptimizer`, is looked into.

    Returns:
        `learning_rate`; `gradient_norm`, before clipping, where the optimizer keeps it, as those of
        `keras_videogpt.training.optimizer` do; `loss_scale` with a `LossScaleOptimizer`.

    Example:
        >>> optimizer_values(keras.optimizers.Adam(0.25))
        {'learning_rate': 0.25}
    """
    values = {"learning_rate": optimizer.learning_rate}
    inner: Any = getattr(optimizer, "inner_optimizer", None)
    for each in (optimizer, inner):
        if hasattr(each, "gradient_norm"):
            values["gradient_norm"] = each.gradient_norm
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        values["loss_scale"] = optimizer.dynamic_scale
    return as_numbers(values)
