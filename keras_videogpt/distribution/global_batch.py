"""Sums over the replicas of a batch; with one replica, and on JAX, nothing is to be done."""


def num_replicas() -> int:
    """How many replicas, each with its own part of the batch, run this step."""
    return 1


def replica_id():
    """Index of this replica, below `num_replicas()`."""
    return 0


def global_sum(x):
    """The sum of a tensor over all replicas; no gradient goes through it."""
    return x
