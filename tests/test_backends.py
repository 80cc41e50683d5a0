"""The same files give the same numbers on TensorFlow, JAX and PyTorch."""

import importlib.util
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from checks import random_codes, randomize, small_gpt, small_vqvae

BACKENDS = ("tensorflow", "jax", "torch")
CONDITIONED = {
    "frame_cond": 1,
    "frame_encoder_depth": 18,
    "frame_encoder_width": 12,
    "num_classes": 3,
    "action_shape": (4, 2),
    "action_conditioning": "frame",
    "embedding_shape": (5, 6),
    "condition_dropout": 0.1,
}
SCRIPT = Path(__file__).with_name("backend_outputs.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, videos):
    """Models saved by the backend of this process, and inputs for them."""
    folder = tmp_path_factory.mktemp("backends")
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=15, verbose=0)
    gpt = small_gpt(vqvae)
    randomize(gpt)
    vqvae.save(folder / "vqvae.keras")
    gpt.save(folder / "gpt.keras")
    np.savez(folder / "inputs.npz", videos=videos, codes=random_codes(gpt, 4))
    conditioned = small_gpt(vqvae, **CONDITIONED)
    for layer in (conditioned.unembed, conditioned.norm, *conditioned.blocks):
        randomize(layer)
    conditioned.save(folder / "conditioned.keras")
    rng = np.random.default_rng(0)
    np.savez(
        folder / "conditions.npz",
        frames=videos[:4, :1],
        labels=np.arange(4) % 3,
        actions=rng.normal(size=(4, 4, 2)),
        embeddings=rng.normal(size=(4, 5, 6)),
        embedding_mask=rng.random((4, 5)) < 0.5,
    )
    return folder


@pytest.fixture(scope="module")
def outputs(folder):
    """Outputs by backend, of those installed."""
    processes = {
        backend: subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder)],
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in BACKENDS
        if importlib.util.find_spec(backend) is not None
    }
    outputs = {}
    for backend, process in processes.items():
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr[-2000:]
        outputs[backend] = dict(np.load(folder / f"{backend}.npz"))
    return outputs


@pytest.fixture(params=list(combinations(BACKENDS, 2)), ids="-".join)
def pair(request, outputs):
    for backend in request.param:
        if backend not in outputs:
            pytest.skip(f"{backend} is not installed")
    return tuple(outputs[backend] for backend in request.param)


@pytest.mark.parametrize("name", ["features", "video", "logits", "bits", "conditioned_logits"])
def test_float_outputs_agree(name, pair):
    one, other = (output[name] for output in pair)
    largest = np.abs(one).max()
    assert largest > 0.1 and one.std() > 0.01 * largest
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-4 * largest)


@pytest.mark.parametrize("name", ["codes", "sampled", "guided"])
def test_codes_agree(name, pair):
    one, other = (output[name] for output in pair)
    assert one.dtype == other.dtype == np.int32 and len(np.unique(one)) > 4
    assert (one == other).mean() >= 0.99


def test_sampled_clips_agree(pair):
    one, other = (output["clips"].astype("int32") for output in pair)
    assert one.std() > 1
    assert (np.abs(one - other) <= 1).mean() >= 0.99
