import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_videogpt")
class NullVector(keras.layers.Layer):
    """Puts a learned vector in front of a memory: what is left to attend to if the rest is masked.

    Call arguments:
        memory: float `(B, M, channels)`.

    Returns:
        Tensor `(B, 1 + M, channels)`.

    Example:
        >>> NullVector()(keras.ops.zeros((2, 10, 32))).shape
        (2, 11, 32)
    """

    def build(self, memory_shape):
        self.vector = self.add_weight(
            shape=(memory_shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="vector",
        )

    def call(self, memory):
        vector = ops.cast(ops.convert_to_tensor(self.vector), memory.dtype)
        vector = ops.broadcast_to(vector, (ops.shape(memory)[0], 1, memory.shape[-1]))
        return ops.concatenate([vector, memory], axis=1)

    def compute_output_shape(self, memory_shape):
        batch, length, channels = memory_shape
        return (batch, None if length is None else length + 1, channels)
