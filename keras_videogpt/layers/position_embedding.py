from typing import Any

import keras
from keras import ops

from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class PositionEmbedding(keras.layers.Layer):
    """Adds learned positions factorised over the axes of a grid.

    Each axis of the grid has its own table; a position's embedding is the concatenation of one row
    of each. The channels are split evenly between the axes; the first axes take the remainder, so
    any number of channels works.

    Args:
        initializer_stddev: standard deviation of the normal initialisation.

    Call arguments:
        x: float `(B, d1, ..., dn, channels)`; the grid `d1 ... dn` is fixed by the first call.

    Returns:
        `x` with positions added, same shape.

    Example:
        >>> x = keras.ops.zeros((2, 4, 8, 8, 32))
        >>> PositionEmbedding()(x).shape
        (2, 4, 8, 8, 32)

    Reference: arXiv 2104.10157, section 3; the original requires `channels % n == 0`.
    """

    def __init__(self, initializer_stddev: float = 0.01, **kwargs: Any):
        super().__init__(**kwargs)
        self.initializer_stddev = initializer_stddev

    def build(self, input_shape):
        *self.grid, channels = input_shape[1:]
        share, remainder = divmod(channels, len(self.grid))
        if share == 0:
            raise ValueError(
                f"PositionEmbedding needs at least one channel for each of the {len(self.grid)} "
                f"axes; got {channels} channels."
            )
        self.tables = [
            self.add_weight(
                shape=(size, share + (axis < remainder)),
                initializer=keras.initializers.RandomNormal(stddev=self.initializer_stddev),
                name=f"axis_{axis}",
            )
            for axis, size in enumerate(self.grid)
        ]

    def table(self) -> Tensor:
        """The embedding of every position, `(d1, ..., dn, channels)`."""
        rank = len(self.grid)
        parts = []
        for axis, rows in enumerate(self.tables):
            rows = ops.convert_to_tensor(rows)
            shape = [1] * rank + [rows.shape[-1]]
            shape[axis] = self.grid[axis]
            parts.append(ops.broadcast_to(ops.reshape(rows, shape), (*self.grid, rows.shape[-1])))
        return ops.concatenate(parts, axis=-1)

    def call(self, x):
        return x + ops.cast(self.table(), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "initializer_stddev": self.initializer_stddev}
