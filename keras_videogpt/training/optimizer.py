import keras

from keras_videogpt.training.training_optimizer import TrainingOptimizer


def make_optimizer(
    learning_rate: float,
    schedule: str,
    steps: int,
    warm_up: int = 0,
    clip_norm: float | None = None,
    accumulate: int = 1,
    ema: float | None = None,
) -> keras.optimizers.Optimizer:
    """Adam, as the paper has it, with a constant or a cosine learning rate.

    Args:
        learning_rate: the highest learning rate.
        schedule: `"constant"`, or `"cosine"`: down to 0 over the run.
        steps: training steps of the run.
        warm_up: of these, the first, in which the learning rate rises from 0.
        clip_norm: longest gradient, as the norm over all weights; `None` for any.
        accumulate: batches, each a step, whose mean gradient makes one update of the weights.
        ema: how much of it a moving average of the weights keeps per update, in [0, 1); `None`
            for no average. See `averaged`.

    Returns:
        A Keras optimizer.

    Example:
        >>> type(make_optimizer(3e-4, "cosine", 1000).inner_optimizer).__name__
        'Adam'
    """
    rate = learning_rate
    if schedule == "cosine" or warm_up:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm_up else learning_rate,
            decay_steps=max(steps - warm_up, 1),
            alpha=0.0 if schedule == "cosine" else 1.0,
            warmup_target=learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
    adam = keras.optimizers.Adam(
        rate,
        global_clipnorm=clip_norm,
        gradient_accumulation_steps=accumulate if accumulate > 1 else None,
        use_ema=ema is not None,
        # Keras averages at every batch: with unchanged weights, too, until the next update.
        ema_momentum=(ema or 0.0) ** (1 / accumulate),
    )
    return TrainingOptimizer(adam)
