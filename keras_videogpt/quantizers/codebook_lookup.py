from typing import Any

import keras
from keras import ops

from keras_videogpt.quantizers.vector_quantizer import EMAVectorQuantizer


@keras.saving.register_keras_serializable("keras_videogpt")
class CodebookLookup(keras.layers.Layer):
    """Turns codes into the vectors of a quantizer's codebooks, side by side in the channels.

    Args:
        quantizer: the `EMAVectorQuantizer` whose codebooks are read; its variables are shared.

    Call arguments:
        codes: int32 `(B, t, h, w)`, or `(B, t, h, w, G)` with G > 1 codebooks.

    Returns:
        Float tensor `(B, t, h, w, G * code_dim)`.

    Example:
        >>> quantizer = EMAVectorQuantizer(num_codes=8, code_dim=4)
        >>> quantizer.build((None, 2, 4, 4, 4))
        >>> CodebookLookup(quantizer)(keras.ops.zeros((1, 2, 4, 4), "int32")).shape
        (1, 2, 4, 4, 4)
    """

    def __init__(self, quantizer: EMAVectorQuantizer, **kwargs: Any):
        super().__init__(**kwargs)
        self.quantizer = quantizer

    def call(self, codes):
        books = self.quantizer.num_codebooks
        if books == 1:
            codes = codes[..., None]
        vectors = self.quantizer.lookup(ops.cast(codes, "int32"))  # (B, t, h, w, G, D)
        vectors = ops.reshape(vectors, (*ops.shape(vectors)[:-2], books * self.quantizer.code_dim))
        return ops.cast(vectors, self.compute_dtype)

    def get_config(self):
        quantizer = keras.saving.serialize_keras_object(self.quantizer)
        return {**super().get_config(), "quantizer": quantizer}

    @classmethod
    def from_config(cls, config):
        config["quantizer"] = keras.saving.deserialize_keras_object(config["quantizer"])
        return cls(**config)
