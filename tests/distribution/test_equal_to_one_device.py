"""Several devices, each with its part of a batch, train as one device with the whole batch."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from processes import environments

WORKER = str(Path(__file__).with_name("worker.py"))
BACKEND = keras.backend.backend()
WAYS = {
    "tensorflow": ("two devices", "two workers"),
    "jax": ("two devices", "weights divided", "two processes"),
    "torch": ("torchrun",),
}[BACKEND]


def trained(folder: Path, way: str) -> dict[str, np.ndarray]:
    """What a run of the worker wrote."""
    out = folder / f"{way}.npz"
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    launcher, name, devices, additions = [], "data", "1", [{}]
    stages = {"weights divided": "prior", "two processes": "vqvae"}.get(way, "vqvae,prior")
    if way == "torchrun":
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    elif way in ("two workers", "two processes"):
        additions = environments()
    else:
        # One device of two, so that JAX compiles its initializers once.
        name, devices = {"one device": "none", "weights divided": "model"}.get(way, "data"), "2"
    command = [sys.executable, *launcher, WORKER, name, devices, stages, str(out)]
    runs = [
        subprocess.Popen(
            command, env=environment | added, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for added in additions
    ]
    try:
        for run in runs:
            _, error = run.communicate(timeout=300)
            assert run.returncode == 0, error.decode()[-30000:]
    finally:
        for run in runs:
            run.kill()
    return dict(np.load(out))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("devices")


@pytest.fixture(scope="module")
def one_device(folder):
    return trained(folder, "one device")


@pytest.mark.parametrize("way", WAYS)
def test_weights_codebook_and_metrics_equal_those_of_one_device(way, folder, one_device):
    several = trained(folder, way)
    names = [name for name in one_device if name in several]
    assert set(names) == set(several)
    for name in names:
        np.testing.assert_allclose(
            several[name], one_device[name], rtol=1e-6, atol=1e-5, err_msg=name
        )
    if "codes" in several:  # saved by several devices, loaded on one
        vqvae = keras.saving.load_model(folder / f"{way}.keras", compile=False)
        for index, weight in enumerate(vqvae.weights):
            saved = keras.ops.convert_to_numpy(weight)
            trained_one = several[f"vqvae weight {index} {weight.path}"]
            np.testing.assert_array_equal(saved, trained_one)


def test_training_moves_weights_by_far_more_than_the_differences_allowed(one_device):
    assert len(np.unique(one_device["codes"])) > 1
    moved = {name: value for name, value in one_device.items() if " moved " in name}
    assert len(moved) > 20 and np.median(list(moved.values())) > 1e-4
