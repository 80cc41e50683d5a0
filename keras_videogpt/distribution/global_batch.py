"""Sums over the replicas of a batch: the global batch decides, not a replica's part of it.

On JAX the arrays of a step are those of the global batch already. TensorFlow (replicas of a
`tf.distribute` strategy) and PyTorch (processes of `torch.distributed`) are imported where they are
the backend.
"""

import keras
from keras import ops

from keras_videogpt.typing import Tensor


def num_replicas() -> int:
    """How many replicas, each with its own equal part of the batch, run this step.

    Example:
        >>> num_replicas()
        1
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    if backend == "torch":
        import torch.distributed as processes

        if processes.is_available() and processes.is_initialized():
            return processes.get_world_size()
    return 1


def is_multi_worker() -> bool:
    """Whether this process is one of several workers of TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def replica_id() -> Tensor:
    """Index of this replica, below `num_replicas()`: an integer, or an int32 tensor."""
    if num_replicas() == 1:
        return 0
    if keras.backend.backend() == "torch":
        import torch.distributed as processes

        return processes.get_rank()
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def global_sum(x: Tensor) -> Tensor:
    """The sum of a tensor over all replicas; no gradient goes through it.

    Args:
        x: float tensor, of equal shape on every replica.

    Returns:
        A tensor like `x`, the same on every replica; `x` itself where there is one replica.

    Example:
        >>> float(global_sum(keras.ops.ones(())))
        1.0
    """
    if num_replicas() == 1:
        return x
    if keras.backend.backend() == "torch":
        import torch.distributed as processes

        total = x.detach().clone()
        processes.all_reduce(total)
        return total
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    # There is none while a model is built, before any step.
    return x if context is None else context.all_reduce("SUM", ops.stop_gradient(x))


def global_mean(x: Tensor) -> Tensor:
    """The mean of a tensor over all replicas; otherwise as `global_sum`."""
    return global_sum(x) / num_replicas()


def mean_gradients(gradients: list) -> list:
    """Gradients of the global batch, from those of the parts of PyTorch's processes.

    Args:
        gradients: of this process's mean loss; `None` for weights without one, on all processes.

    Returns:
        Their means over the processes. Where there is one, and on other backends, which do so
        themselves, `gradients` as they are.
    """
    given = [gradient for gradient in gradients if gradient is not None]
    if keras.backend.backend() != "torch" or num_replicas() == 1 or not given:
        return gradients
    import torch

    # One message, not one a weight.
    means = global_mean(torch.cat([gradient.reshape(-1) for gradient in given]))
    parts = iter(means.split([gradient.numel() for gradient in given]))
    return [None if g is None else next(parts).view_as(g) for g in gradients]


def copy_from_first(variables: list[keras.Variable]) -> None:
    """Gives PyTorch's processes the values of the first; other backends do so themselves."""
    if keras.backend.backend() != "torch" or num_replicas() == 1:
        return
    import torch.distributed as processes

    for variable in variables:
        processes.broadcast(variable.value.data, src=0)
