"""Gradient checkpointing: less memory, for computing again in the backward pass.

Keras's own scope for it runs whole layers again, which would draw other dropout masks and move
moving averages twice. Here a function without side effects runs again, on seeds drawn before it.
JAX has code of its own, and PyTorch's garbage is collected.
"""

import gc
from collections.abc import Callable

import keras
from keras import ops

from keras_videogpt.distribution.global_batch import num_replicas, replica_id
from keras_videogpt.typing import Tensor


class DrawnSeed(keras.random.SeedGenerator):
    """A seed that is drawn from a generator once, and is the same whenever it is asked for.

    Replicas, whose generators are in the same state, get different seeds.

    Args:
        generator: what it is drawn from.

    Example:
        >>> seed = DrawnSeed(keras.random.SeedGenerator(0))
        >>> ones = [keras.random.dropout(keras.ops.ones(64), 0.5, seed=seed) for _ in range(2)]
        >>> bool(keras.ops.all(ones[0] == ones[1]))
        True
    """

    def __init__(self, generator: keras.random.SeedGenerator):
        # Without the parent's, which would make a variable.
        self.value = generator.next()
        if num_replicas() > 1:
            stride = ops.convert_to_tensor([1 << 20, 0], dtype=self.value.dtype)
            self.value = self.value + ops.cast(replica_id(), self.value.dtype) * stride
        # With `None` here PyTorch would draw from its global generator.
        self._initial_seed = 0

    def next(self, ordered: bool = True):
        return self.value


def rematerialized(function: Callable, *tensors: Tensor) -> Tensor:
    """What `function` gives of some tensors, of which alone is kept what gradients need.

    Args:
        function: computes a tensor from the given ones and trainable variables, with no side
            effects; it runs again in the backward pass. Whatever else it refers to gets no
            gradients.
        *tensors: floats; `None` is passed on.

    Returns:
        The tensor.

    Example:
        >>> x = keras.ops.ones((2, 3))
        >>> rematerialized(lambda x, y: x if y is None else x + y, x, None).shape
        (2, 3)
    """

    def of_those_there(*given):
        if keras.backend.backend() == "torch":
            # What layers of Keras are called with is left in cycles of references, and would stay.
            gc.collect(1)
        given = iter(given)
        return function(*(None if tensor is None else next(given) for tensor in tensors))

    given = [tensor for tensor in tensors if tensor is not None]
    if keras.backend.backend() == "jax":
        return _rematerialized_in_order(of_those_there, *given)
    return keras.remat(of_those_there)(*given)


def _rematerialized_in_order(function, *tensors):
    """`jax.checkpoint`, but nothing runs again before the gradient that it is for is there.

    What XLA's scheduler on CPUs may run early it does, and then all is in memory at once.
    """
    import jax

    function, weights = jax.closure_convert(function, *tensors)
    compute = jax.custom_vjp(function)

    def forward(*arguments):
        return function(*arguments), arguments

    def backward(arguments, change):
        first, *others = arguments
        first = first + 0 * ops.cast(change[(0,) * change.ndim], first.dtype)
        return jax.vjp(function, first, *others)[1](change)

    compute.defvjp(forward, backward)
    return compute(*tensors, *weights)
