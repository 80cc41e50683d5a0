from types import SimpleNamespace

import keras
import numpy as np
import pytest
from checks import small_vqvae

from keras_videogpt.distribution.strategy import Distribution, set_up
from keras_videogpt.models import video_model

BACKEND = keras.backend.backend()


def counting(batch_size, first_step, shard):
    process, processes = shard
    for step in range(first_step * processes + process, 100, processes):
        yield {"video": np.arange(step * batch_size, (step + 1) * batch_size)}


def test_without_distribution_batches_are_those_of_one_stream():
    distribution = set_up("none")
    assert distribution.is_chief and distribution.num_replicas == distribution.num_processes == 1
    batches = distribution.batches(counting, 4, first_step=3)
    assert [list(next(batches)["video"]) for _ in range(2)] == [[12, 13, 14, 15], [16, 17, 18, 19]]
    with distribution.scope():
        pass


def test_processes_read_a_batch_without_overlap():
    parts = [Distribution(4, 2, process).batches(counting, 8, first_step=5) for process in (0, 1)]
    for step in (5, 6):
        rows = np.concatenate([next(part)["video"] for part in parts])
        np.testing.assert_array_equal(rows, np.arange(step * 8, step * 8 + 8))


def test_a_batch_that_devices_can_not_share_is_an_error():
    with pytest.raises(ValueError, match="multiple of the 4 devices that share a batch; got 6"):
        Distribution(4, 2).batches(counting, 6)


def test_one_device_is_an_error_that_says_where_more_come_from(monkeypatch):
    for name in ("TF_CONFIG", "TPU_NAME", "WORLD_SIZE", "KERAS_DISTRIBUTION_NUM_PROCESSES"):
        monkeypatch.delenv(name, raising=False)
    hint = {"tensorflow": "TF_CONFIG", "jax": "NUM_PROCESSES", "torch": "torchrun"}[BACKEND]
    with pytest.raises(ValueError, match=f"distribute='data'.*{hint}"):
        set_up("data")
    hint = "needs several devices" if BACKEND == "jax" else f"needs the backend jax.*{BACKEND}"
    with pytest.raises(ValueError, match=f"distribute='model' {hint}"):
        set_up("model")


def test_another_name_is_an_error_that_lists_the_names():
    with pytest.raises(ValueError, match="must be one of .*none.*data.*model.*'all'"):
        set_up("all")


def pretend_two_replicas(monkeypatch):
    two = SimpleNamespace(num_replicas_in_sync=2) if BACKEND == "tensorflow" else None
    monkeypatch.setattr(video_model.VideoModel, "distribute_strategy", two, raising=False)
    monkeypatch.setattr(video_model, "num_replicas", lambda: 2)


@pytest.mark.skipif(BACKEND == "jax", reason="on JAX a step is that of the global batch")
def test_several_replicas_refuse_float16(monkeypatch, videos):
    vqvae = small_vqvae(norm="layer")
    vqvae.compile(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    pretend_two_replicas(monkeypatch)
    with pytest.raises(ValueError, match="mixed_float16 on several devices.*mixed_bfloat16"):
        vqvae.fit(videos, batch_size=4)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others have no replicas, or no such steps")
def test_several_replicas_refuse_steps_in_one_execution(monkeypatch, videos):
    vqvae = small_vqvae()
    vqvae.compile(optimizer="sgd", steps_per_execution=2)
    pretend_two_replicas(monkeypatch)
    with pytest.raises(ValueError, match="steps_per_execution must be 1 on several devices"):
        vqvae.fit(videos, batch_size=4)


@pytest.mark.skipif(BACKEND != "torch", reason="the others have the statistics of all devices")
def test_several_processes_refuse_statistics_of_one(monkeypatch, videos):
    vqvae = small_vqvae(norm="batch")
    pretend_two_replicas(monkeypatch)
    with pytest.raises(ValueError, match="norm='batch'.*norm='layer'"):
        vqvae.fit(videos, batch_size=4)
