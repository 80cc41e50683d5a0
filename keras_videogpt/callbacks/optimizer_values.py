import keras
from keras import ops


def optimizer_values(optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
    """What an optimizer did in its last step, read from the device.

    Args:
        optimizer: any optimizer; a `LossScaleOptimizer` is looked into.

    Returns:
        `learning_rate`; `gradient_norm`, before clipping, where the optimizer keeps it, as those of
        `keras_videogpt.training.optimizer` do; `loss_scale` with a `LossScaleOptimizer`.

    Example:
        >>> optimizer_values(keras.optimizers.Adam(0.25))
        {'learning_rate': 0.25}
    """
    values = {"learning_rate": optimizer.learning_rate}
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if getattr(inner, "gradient_norm", None) is not None:
        values["gradient_norm"] = inner.gradient_norm
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        values["loss_scale"] = optimizer.dynamic_scale
    return {name: float(ops.convert_to_numpy(value)) for name, value in values.items()}
