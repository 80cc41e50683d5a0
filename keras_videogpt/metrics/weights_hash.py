import hashlib

import keras
import numpy as np


def weights_hash(model: keras.Model) -> str:
    """What tells the weights of a model apart, the same on every backend.

    Args:
        model: the model, with all its weights.

    Returns:
        16 hexadecimal digits, of SHA-256.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.set_weights([np.ones((2, 1))])
        >>> weights_hash(model)
        'f8edfa58bc33c1bf'
    """
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype.name}{list(weight.shape)}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:16]
