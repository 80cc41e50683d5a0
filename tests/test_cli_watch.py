"""`keras-videogpt watch`, and the file it reads."""

import json
import os
import subprocess
import sys
import time

import keras
import pytest
from checks import random_codes, small_gpt, small_vqvae
from cli_runs import fails_in_one_line

from keras_videogpt.callbacks import CallbackList, RunProgress, RunStatus
from keras_videogpt.cli import main
from keras_videogpt.commands import watch
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.status import Status, read_status

STATE = {
    "step": 1500,
    "steps": 4000,
    "values": {"loss": 0.12345, "perplexity": 87.5},
    "speed": {"steps_per_second": 2.5, "frames_per_second": 1280.0},
    "seconds_left": 1000.0,
    "checkpoint": 1000,
    "best": {"step": 500, "loss": 0.25},
}


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run", {"kind": "vqvae"}, "vqvae")


@pytest.fixture
def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def said(capsys, *arguments):
    capsys.readouterr()
    assert main(["watch", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_training_run_is_described(run, capsys):
    Status(**STATE).write(run.folder)
    lines = said(capsys, run.folder, "--once").splitlines()
    assert f"  process {os.getpid()} on " in lines[-1] and "seconds ago" in lines[-1]
    assert lines[:-1] == [
        f"{run.folder} is training: step 1,500 of 4,000 (38%), 16:40 left.",
        "  loss 0.1235, perplexity 87.5",
        "  2.5 steps/s, 1,280 frames/s",
        "  newest checkpoint at step 1,000; best at step 500 (validation loss 0.25)",
    ]


def test_a_run_whose_process_is_gone_is_said_to_have_stopped(run, ended_process, capsys):
    Status(**STATE, process=ended_process).write(run.folder)
    lines = said(capsys, run.folder).splitlines()  # does not wait for it either
    assert lines[0].startswith(f"{run.folder} stopped at step 1,500 of 4,000: its process ")
    assert lines[1] == "The same train command goes on at step 1,000."


def test_on_another_machine_the_age_is_all_that_is_known(run, ended_process, capsys):
    Status(**STATE, process=ended_process, host="elsewhere").write(run.folder)
    path = run.folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "written": time.time() - 7200}))
    output = said(capsys, run.folder, "--once")
    assert "is training" in output and "on elsewhere, heard of 2 hours ago" in output


def test_it_watches_until_the_run_has_all_its_steps(run, capsys, monkeypatch):
    Status(**STATE).write(run.folder)

    def go_on(seconds):
        Status(**{**STATE, "step": 4000, "checkpoint": 4000}).write(run.folder)

    monkeypatch.setattr(watch.time, "sleep", go_on)
    capsys.readouterr()
    assert main(["watch", str(run.folder)]) == 0
    output = capsys.readouterr()
    assert "1500/4000, loss 0.1235; 2.5 steps/s, 1,280 frames/s; 16:40 left" in output.err
    assert "4000/4000" in output.err
    assert f"{run.folder} has all its 4,000 steps" in output.out


def test_what_is_no_run_is_named(run, tmp_path, capsys):
    fails_in_one_line(capsys, ["watch", tmp_path / "none"], "There is no folder", "none")
    fails_in_one_line(capsys, ["watch", tmp_path], "is no run folder (no config.json)")
    (run.folder / "status.json").write_text("{}")
    fails_in_one_line(capsys, ["watch", run.folder], "status.json is not the status of a run")
    (run.folder / "status.json").unlink()
    assert "says nothing yet" in said(capsys, run.folder)


def test_a_remote_run_is_watched(capsys):
    upath = pytest.importorskip("upath", reason="the extra `remote` is not installed")
    folder = upath.UPath("memory://bucket/runs/watched")
    (folder / "config.json").write_text("{}")
    run = RunFolder(folder, {}, "vqvae")
    Status(**STATE, host="elsewhere").write(run.folder)
    run.close()
    assert f"{folder} is training: step 1,500 of 4,000" in said(capsys, folder, "--once")


class Save(keras.callbacks.Callback):
    def __init__(self, run, steps):
        super().__init__()
        self.run, self.steps = run, iter(steps)

    def on_epoch_end(self, epoch, logs=None):
        self.run.save(self.model, next(self.steps), logs["val_loss"])


def test_training_keeps_the_status_up_to_date(run, capsys):
    model = small_gpt(small_vqvae())
    status, seen = RunStatus(run, steps=8, first_step=4, seconds=0), []
    see = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(read_status(run.folder)),
        on_test_begin=lambda logs: seen.append(read_status(run.folder)),
    )
    callbacks = [Save(run, [6, 8]), status, see, RunProgress(status)]
    callbacks = CallbackList(callbacks, add_history=True, model=model, epochs=2, steps=2)
    codes = random_codes(model, 4)
    model.fit(codes, validation_data=codes, batch_size=2, epochs=2, callbacks=callbacks)
    assert [(s.step, s.phase, s.checkpoint) for s in seen] == [
        (5, "training", 0),
        (6, "training", 0),
        (6, "validating", 0),
        (7, "training", 6),
        (8, "training", 6),
        (8, "validating", 6),
    ]
    assert seen[0].seconds_left is None and seen[1].seconds_left > 0
    assert seen[1].speed["steps_per_second"] > 0 and seen[1].values["loss"] > 0
    last = read_status(run.folder)
    assert last.is_finished and not last.is_gone and last.seconds_left == 0
    assert last.best == {"step": 8, "loss": run.losses()[8]}
    output = capsys.readouterr()
    assert output.out.count("step 8 of 8: ") == 1 and "00:00 left" in output.out
    assert "/8 [" in output.err
