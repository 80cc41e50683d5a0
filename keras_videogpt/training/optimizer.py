import keras


def make_optimizer(learning_rate: float, schedule: str, steps: int) -> keras.optimizers.Optimizer:
    """Adam, as the paper has it, with a constant or a cosine learning rate.

    Args:
        learning_rate: the highest learning rate.
        schedule: `"constant"`, or `"cosine"`: down to 0 over the run.
        steps: training steps of the run.

    Returns:
        A Keras optimizer.

    Example:
        >>> make_optimizer(3e-4, "cosine", 1000).name
        'adam'
    """
    if schedule == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=steps)
    return keras.optimizers.Adam(learning_rate)
