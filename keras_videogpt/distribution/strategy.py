"""Sets up the devices of a run by name, with the means of each backend.

TensorFlow, JAX and PyTorch are imported where they are the backend.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_videogpt.distribution.layouts import prior_layout

NAMES = ("none", "data", "model")


@dataclass(frozen=True)
class Distribution:
    """The devices and processes that train a model together.

    Args:
        num_replicas: parts that a batch is divided into, one a device.
        num_processes: processes, each of which reads its own part of every batch.
        process: index of this process.
        strategy: of `tf.distribute`, on TensorFlow.
    """

    num_replicas: int = 1
    num_processes: int = 1
    process: int = 0
    strategy: Any = None

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Models are made, compiled and loaded in it; they are trained and saved outside.

        Keras makes variables to save a model: every process has to save it, each to its own file.
        """
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def check_batch_size(self, batch_size: int) -> None:
        """Raises `ValueError` unless a batch can be divided evenly."""
        if batch_size % self.num_replicas:
            raise ValueError(
                f"batch_size must be a multiple of the {self.num_replicas} devices that share a "
                f"batch; got {batch_size}."
            )

    def divisible(self, batch_size: int) -> int:
        """The largest batch of at most `batch_size` clips that can be divided evenly."""
        if batch_size < self.num_replicas:
            raise ValueError(
                f"A held-out clip per device is needed: {self.num_replicas}; got {batch_size}."
            )
        return batch_size - batch_size % self.num_replicas

    def batches(
        self, make_stream: Callable[..., Iterator], batch_size: int, first_step: int = 0
    ) -> Any:
        """Training batches, as `fit` takes them on this backend.

        Args:
            make_stream: called with `batch_size` (of this process's part), `first_step` and `shard`
                (index and number of processes); gives an endless iterator of dictionaries of
                arrays, as `keras_videogpt.data.stream` does.
            batch_size: clips of a global batch.
            first_step: index of the first global batch.

        Returns:
            An iterator of this process's parts, or a distributed dataset of TensorFlow.

        Raises:
            ValueError: the batch can't be divided evenly.
        """
        self.check_batch_size(batch_size)

        def local() -> Iterator:
            return make_stream(
                batch_size=batch_size // self.num_processes,
                first_step=first_step,
                shard=(self.process, self.num_processes),
            )

        return local() if self.strategy is None else self._distributed_dataset(local)

    def _distributed_dataset(self, local: Callable[[], Iterator]) -> Any:
        """A dataset that starts anew with every pass, as Keras's look at the first batch needs."""
        import tensorflow as tf

        pieces = self.num_replicas // self.num_processes

        def parts() -> Iterator:
            for batch in local():
                for part in range(pieces):  # consecutive ones go to consecutive replicas
                    yield {
                        name: array[part * len(array) // pieces : (part + 1) * len(array) // pieces]
                        for name, array in batch.items()
                    }

        signature = {
            name: tf.TensorSpec(np.shape(array), array.dtype)
            for name, array in next(parts()).items()
        }
        return self.strategy.distribute_datasets_from_function(
            lambda context: tf.data.Dataset.from_generator(
                parts, output_signature=signature
            ).prefetch(2 * pieces)
        )


def set_up(name: str) -> Distribution:
    """Sets up the devices of this process, before it makes any tensor.

    Args:
        name: `"none"`: one device;
            `"data"`: every device has the model, and its part of each batch: all local devices, on
            TensorFlow of all workers that `TF_CONFIG` names, on JAX of all processes that
            `KERAS_DISTRIBUTION_NUM_PROCESSES`, `_PROCESS_ID` and `_JOB_ADDRESSES` name; on
            PyTorch one device a process, as started by `torchrun`;
            `"model"`: the weights of a prior are divided among the local devices; JAX only.

    Returns:
        A `Distribution`.

    Raises:
        ValueError: `name` is none of these, the backend can't do it, or there is one device only.

    Example:
        >>> set_up("none").num_replicas
        1
    """
    if name not in NAMES:
        raise ValueError(f"distribute must be one of {NAMES}; got {name!r}.")
    backend = keras.backend.backend()
    if name == "model" and backend != "jax":
        raise ValueError(f"distribute='model' needs the backend jax; this is {backend}.")
    if name == "none":
        return Distribution()
    if backend == "jax":
        return _jax_model() if name == "model" else _jax_data()
    return _tensorflow_data() if backend == "tensorflow" else _torch_data()


def _several(devices: list, name: str, hint: str) -> list:
    if len(devices) < 2:
        raise ValueError(
            f"distribute={name!r} needs several devices; there is one ({devices[0]}). {hint}"
        )
    return devices


def _tensorflow_data() -> Distribution:
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        resolver = strategy.cluster_resolver
        jobs = resolver.cluster_spec()
        names = [name for name in ("chief", "worker") if name in jobs.jobs]
        tasks = [(name, index) for name in names for index in jobs.task_indices(name)]
        process = tasks.index((resolver.task_type, resolver.task_id))
        return Distribution(strategy.num_replicas_in_sync, len(tasks), process, strategy)
    if "TPU_NAME" in os.environ:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
        strategy = tf.distribute.TPUStrategy(resolver)
        return Distribution(strategy.num_replicas_in_sync, strategy=strategy)
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    names = [device.name for device in devices]
    _several(names, "data", "Workers of several machines are named in TF_CONFIG.")
    strategy = tf.distribute.MirroredStrategy(names)
    return Distribution(strategy.num_replicas_in_sync, strategy=strategy)


def _jax_data() -> Distribution:
    distribution = keras.distribution
    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
        distribution.initialize()
    import jax

    devices = distribution.list_devices()
    _several(devices, "data", "Processes are named in KERAS_DISTRIBUTION_NUM_PROCESSES.")
    distribution.set_distribution(
        distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    )
    return Distribution(len(devices), jax.process_count(), jax.process_index())


def _jax_model() -> Distribution:
    distribution = keras.distribution
    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
        raise ValueError(
            "distribute='model' is for the devices of one process: files hold whole weights."
        )
    devices = _several(distribution.list_devices(), "model", "")
    distribution.set_distribution(
        distribution.ModelParallel(layout_map=prior_layout(devices), batch_dim_name="batch")
    )
    return Distribution()


def _torch_data() -> Distribution:
    import torch
    import torch.distributed as processes

    if "WORLD_SIZE" not in os.environ:
        raise ValueError(
            "distribute='data' on the backend torch needs one process a device: start the command "
            "with torchrun."
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    processes.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    size = processes.get_world_size()
    return Distribution(size, size, processes.get_rank())
