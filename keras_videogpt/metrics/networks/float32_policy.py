import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def float32_policy() -> Iterator[None]:
    """Within it, or in a function it decorates, layers are made that compute in float32.

    What is measured then does not depend on the precision of training.

    Example:
        >>> keras.config.set_dtype_policy("mixed_bfloat16")
        >>> with float32_policy():
        ...     layer = keras.layers.Dense(4)
        >>> layer.compute_dtype, keras.layers.Dense(4).compute_dtype
        ('float32', 'bfloat16')
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
