"""How the command starts: its arguments, its help, its backend."""

import os
import subprocess
import sys

import pytest

from keras_videogpt import backend
from keras_videogpt.cli import main


@pytest.mark.parametrize(
    "arguments", [[], ["sample"], ["fly"], ["sample", "x", "--out", "y", "-q"]]
)
def test_a_wrong_command_is_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--help" in error


def test_help_runs_as_a_module():
    command = [sys.executable, "-m", "keras_videogpt", "--help"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0 and "train" in result.stdout and "sample" in result.stdout


def test_a_backend_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(backend, "_is_installed", lambda name: name != "jax")
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ImportError, match=r"'jax' is not installed.*keras_videogpt\[jax\]"):
        backend.choose_backend()
    command = ["python", "-m", "keras_videogpt", "sample", "--backend", "torch"]
    monkeypatch.setattr(sys, "orig_argv", command)
    backend.choose_backend()
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_the_command_says_in_one_line_that_a_backend_is_not_installed(tmp_path):
    # A finder that hides the package stands in for its absence.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'jax' else find(name, package)\n"
    )
    command = ["sample", "x.keras", "--out", "y.gif", "--backend", "jax"]
    result = subprocess.run(
        [sys.executable, "-m", "keras_videogpt", *command],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2 and "keras_videogpt[jax]" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_error_is_the_only_line_on_stderr_whatever_the_backend_logs(tmp_path):
    command = ["sample", str(tmp_path / "missing.keras"), "--out", str(tmp_path / "x.gif")]
    result = subprocess.run(
        [sys.executable, "-m", "keras_videogpt", *command], capture_output=True, text=True
    )
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and "missing.keras" in result.stderr


@pytest.mark.parametrize(
    "argument, config, first",
    [("--out", None, True), ("--distribute=data", None, False), ("--out", "{}", False)],
)
def test_no_operation_precedes_the_set_up_of_several_devices(argument, config, first, monkeypatch):
    started = []
    monkeypatch.setattr(backend, "_import_tensorflow_quietly", started.append)
    monkeypatch.setattr(backend, "_is_installed", lambda name: True)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    command = ["python", "-m", "keras_videogpt", "train", argument]
    monkeypatch.setattr(sys, "orig_argv", command)
    backend.choose_backend()
    assert started == [first]
