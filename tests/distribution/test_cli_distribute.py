"""`--distribute` in the command, as its users start it."""

import os
import subprocess
import sys

import keras
import numpy as np
from cli_runs import VQVAE, fails_in_one_line, write_data
from processes import environments

import keras_videogpt as kvg

BACKEND = keras.backend.backend()


def train(data, out, folder):
    """What each of two processes that train a run together printed."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = os.environ | {"TMPDIR": str(scratch), "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = [*VQVAE.split(), "--steps", "4", "--norm", "layer", "--distribute", "data"]
    command = [sys.executable, "-m", "keras_videogpt", "train", "vqvae", str(data), *options]
    runs = [
        subprocess.Popen(
            [*command, "--out", str(out)],
            env=environment | added,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for added in environments()
    ]
    try:
        printed = [run.communicate(timeout=300) for run in runs]
    finally:
        for run in runs:
            run.kill()
    for run, (_, error) in zip(runs, printed, strict=True):
        assert run.returncode == 0, error[-30000:]
    return [output for output, _ in printed]


def test_two_processes_write_one_run_and_go_on_with_it(tmp_path):
    data, out = write_data(tmp_path / "data"), tmp_path / "run"
    first, second = train(data, out, tmp_path)
    assert f"Wrote {out / 'vqvae.keras'}" in first and "Wrote" not in second
    newest = out / "checkpoints" / "step-00000004.keras"
    unbroken = kvg.load(newest).get_weights()
    newest.unlink()
    first, second = train(data, out, tmp_path)
    assert "at step 2 of 4" in first and "Going on" not in second
    for one, other in zip(kvg.load(newest).get_weights(), unbroken, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert not list((tmp_path / "scratch").glob("keras-videogpt-run-*"))


def test_a_single_device_can_not_be_divided(tmp_path, capsys):
    data = write_data(tmp_path / "data")
    command = ["train", "vqvae", data, "--out", tmp_path / "run", *VQVAE.split(), "--distribute"]
    fails_in_one_line(capsys, [*command, "data"], "torchrun" if BACKEND == "torch" else "devices")
    if BACKEND != "jax":
        fails_in_one_line(capsys, [*command, "model"], "needs the backend jax")
    assert not (tmp_path / "run").exists()
