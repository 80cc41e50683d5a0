import keras
from keras import ops

from keras_videogpt.distribution.global_batch import global_sum, mean_gradients, num_replicas


@keras.saving.register_keras_serializable("keras_videogpt")
class TrainingOptimizer(keras.optimizers.Optimizer):
    """Another optimizer, and the norm of the gradient of the global batch.

    Keras clips a replica's gradients before it adds those of the others; here the sum is clipped,
    by the `global_clipnorm` of the other optimizer. Where that one averages the weights, `fit` ends
    with the weights as they are, and leaves their averages to `averaged`.

    Args:
        inner_optimizer: the optimizer that changes the weights.

    Attributes:
        gradient_norm: float32 variable: norm of the last batch's gradient, all weights together,
            before clipping.

    Example:
        >>> optimizer = TrainingOptimizer(keras.optimizers.Adam(3e-4, global_clipnorm=1.0))
        >>> round(float(optimizer.learning_rate), 6)
        0.0003
    """

    def __init__(self, inner_optimizer: keras.optimizers.Optimizer, name: str | None = None):
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.gradient_norm = self.add_variable(
            (), dtype="float32", aggregation="only_first_replica", name="gradient_norm"
        )

    def build(self, variables):
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self):
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    def apply(self, grads, trainable_variables=None):
        if not self.built:
            self.build(list(trainable_variables))
        # Only TensorFlow's optimizers add up replicas, at their end: too late for the norm.
        replicas = num_replicas() if keras.backend.backend() == "tensorflow" else 1
        if replicas > 1 and self.inner_optimizer.gradient_accumulation_steps:
            raise ValueError("Gradients can't be accumulated over batches on several devices.")
        grads = mean_gradients(grads)
        if replicas > 1:
            grads = [None if g is None else global_sum(g) for g in grads]
        squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in grads if g is not None]
        norm = ops.sqrt(ops.sum(ops.stack(squares)))
        self.gradient_norm.assign(norm)
        if replicas > 1:
            limit = self.inner_optimizer.global_clipnorm
            scale = (limit / ops.maximum(norm, limit) if limit else 1.0) / replicas
            grads = [None if g is None else g * ops.cast(scale, g.dtype) for g in grads]
        self.inner_optimizer.apply(grads, trainable_variables)

    def finalize_variable_values(self, var_list):
        """Leaves the weights as training left them; `averaged` puts averages in their place."""

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"name": self.name, "inner_optimizer": inner}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = keras.saving.deserialize_keras_object(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})
