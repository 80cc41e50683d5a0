"""`keras-videogpt train` with warm-up, clipping, accumulation, averages and how steps are run."""

import json
import shutil

import keras
import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from cli_runs import VQVAE, fails_in_one_line, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.training.weight_averages import averages

OPTIONS = "--warm-up 2 --clip-norm 0.5 --accumulate 2 --ema 0.5 --schedule constant --keep 3 "
OPTIONS += "--precision mixed_bfloat16 --batch-size 1 --remat"
BACKEND = keras.backend.backend()
EXECUTION = "" if BACKEND == "torch" else " --steps-per-execution 2"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    assert train_vqvae(data, folder, OPTIONS + EXECUTION) == 0
    return folder


def checkpoint(folder, step):
    return folder / "checkpoints" / f"step-{step:08d}.keras"


def test_the_optimizer_is_as_the_command_says_and_belongs_to_the_run(run, data, capsys):
    model = kvg.load(checkpoint(run, 6))
    adam = model.optimizer.inner_optimizer
    assert model.remat and model.layers_policy.name == "mixed_bfloat16"
    assert (adam.global_clipnorm, adam.gradient_accumulation_steps) == (0.5, 2)
    assert int(adam.iterations) == 3 and float(model.optimizer.gradient_norm) > 0
    assert float(adam.learning_rate) == pytest.approx(2e-3)
    config = json.loads((run / "config.json").read_text())
    assert {name: config[name] for name in ("warm_up", "clip_norm", "accumulate", "ema")} == {
        "warm_up": 2,
        "clip_norm": 0.5,
        "accumulate": 2,
        "ema": 0.5,
    }
    assert train_vqvae(data, run, OPTIONS.replace("--ema 0.5", "")) == 2
    assert "ema is 0.5 there and None here" in capsys.readouterr().err


def test_the_written_model_has_averages_and_the_checkpoints_the_weights_too(run):
    written, newest = kvg.load(run), kvg.load(checkpoint(run, 6))
    means = [mean.numpy() for mean in averages(newest)]
    assert_same_weights([v.numpy() for v in written.trainable_variables], means)
    differences = [
        np.abs(v.numpy() - mean).max()
        for v, mean in zip(newest.trainable_variables, means, strict=True)
    ]
    assert max(differences) > 1e-5


def test_a_run_that_goes_on_ends_as_the_unbroken_one(run, data, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    checkpoint(folder, 6).unlink()
    assert train_vqvae(data, folder, OPTIONS + EXECUTION) == 0
    assert f"Going on with {folder} at step 4 of 6" in capsys.readouterr().out
    one, other = kvg.load(checkpoint(folder, 6)), kvg.load(checkpoint(run, 6))
    assert_same_weights(weights_of(one), weights_of(other), 1e-6)
    states = [[v.numpy() for v in model.optimizer.variables] for model in (one, other)]
    assert_same_weights(*states, 1e-6)
    losses = [json.loads((place / "losses.json").read_text()) for place in (folder, run)]
    assert list(losses[0]) == ["2", "4", "6"] and losses[0] == pytest.approx(losses[1], abs=1e-5)


@pytest.mark.parametrize(
    "option, value, accepted",
    [
        ("--warm-up", "7", "in [0, 6]"),
        ("--clip-norm", "0", "above 0"),
        ("--accumulate", "0", "at least 1"),
        ("--ema", "1", "in [0, 1)"),
        ("--keep", "0", "at least 1"),
        ("--steps-per-execution", "3", "a divisor of --save-every 2"),
    ],
)
def test_what_is_out_of_range_is_named(data, tmp_path, capsys, option, value, accepted):
    command = ["train", "vqvae", data, "--out", tmp_path / "run", *VQVAE.split()]
    fails_in_one_line(capsys, [*command, option, value], f"{option} must be {accepted}; got ")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(BACKEND != "torch", reason="the others can")
@pytest.mark.parametrize("option", ["--jit", "--steps-per-execution 2"])
def test_what_pytorch_cannot_do_is_refused(data, tmp_path, capsys, option):
    command = ["train", "vqvae", data, "--out", tmp_path / "run", *VQVAE.split()]
    fails_in_one_line(capsys, [*command, *option.split()], option.split()[0], "PyTorch")


@pytest.mark.skipif(BACKEND == "torch", reason="refused there")
def test_executions_of_more_steps_than_validation_has_are_refused(data, tmp_path, capsys):
    command = ["train", "vqvae", data, "--out", tmp_path / "run", *VQVAE.split()]
    words = "--steps-per-execution must be at most 1, the batches of validation; got 2"
    fails_in_one_line(capsys, [*command, "--steps-per-execution", "2"], words)
