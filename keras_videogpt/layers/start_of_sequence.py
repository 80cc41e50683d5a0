import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_videogpt")
class StartOfSequence(keras.layers.Layer):
    """Shifts a sequence by one position and puts a learned vector in front.

    Call arguments:
        x: float `(B, L, channels)`.

    Returns:
        Tensor of the shape of `x`: the learned vector, then `x` without its last position.

    Example:
        >>> StartOfSequence()(keras.ops.zeros((2, 10, 32))).shape
        (2, 10, 32)
    """

    def build(self, input_shape):
        self.vector = self.add_weight(
            shape=(input_shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="vector",
        )

    def call(self, x):
        start = ops.cast(ops.convert_to_tensor(self.vector), x.dtype)
        start = ops.broadcast_to(start, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([start, x[:, :-1]], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape
