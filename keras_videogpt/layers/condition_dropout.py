from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_videogpt")
class ConditionDropout(keras.layers.Layer):
    """Which conditions of a clip a model may see: in training, each is dropped at random.

    Args:
        rate: probability that a condition of a clip is dropped in training, in [0, 1).
        seed: seed of the dropout.

    Call arguments:
        given: bool `(B, conditions)`, `True` for those that are there.
        training: whether to drop any.

    Returns:
        bool `(B, conditions)`: `given`, with `False` for those that are dropped.

    Example:
        >>> ConditionDropout(0.1)(keras.ops.ones((2, 3), "bool")).shape
        (2, 3)

    Reference: classifier-free guidance, arXiv 2207.12598.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        pass

    def call(self, given, training=False):
        if not training:
            return given
        numbers = keras.random.uniform(ops.shape(given), dtype="float32", seed=self.seed_generator)
        return ops.logical_and(given, numbers >= self.rate)

    def save_own_variables(self, store):
        # As the dropout's of a `TransformerBlock`: a resumed run would drop others.
        store["seed"] = ops.convert_to_numpy(self.seed_generator.state.value)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed"])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
