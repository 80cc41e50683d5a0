"""The notebooks of `examples/notebooks` run as written, but smaller."""

import ast
import os
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from checks import randomize, small_gpt, small_vqvae

nbformat = pytest.importorskip("nbformat", reason="needs the notebooks extra")
nbclient = pytest.importorskip("nbclient", reason="needs the notebooks extra")
pytest.importorskip("ipykernel", reason="needs the notebooks extra")

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
SMALL_TRAINING = {"episodes": 4, "size": 16, "hidden_units": 16, "hidden_dim": 16}
LARGEST = 50_000  # bytes of a notebook without outputs

runs_here = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="kernels take minutes, and what notebooks call is tested on every backend",
)


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def is_parameters(cell):
    return "parameters" in cell.metadata.get("tags", [])


def run(name, folder, monkeypatch, **parameters):
    """The dictionary that a notebook ends with, run in `folder` with other parameters."""
    notebook = read(name)
    head = next(index for index, cell in enumerate(notebook.cells) if is_parameters(cell))
    names = {node.id for node in ast.walk(ast.parse(notebook.cells[head].source)) if is_set(node)}
    assert set(parameters) <= names
    changes = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(head + 1, nbformat.v4.new_code_cell(changes))
    monkeypatch.setenv("IPYTHONDIR", str(folder / ".ipython"))
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1]), prepend=os.pathsep)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    (result,) = [output for output in last.outputs if output.output_type == "execute_result"]
    return ast.literal_eval(result.data["text/plain"])


def is_set(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_with_time_and_number_and_holds_no_outputs(name):
    notebook = read(name)
    opening = notebook.cells[0].source
    assert opening.startswith("# ") and "KERAS_BACKEND" in opening
    assert re.search(
        r"^- \*\*Time:\*\* .*[1-9]\d* (minutes?|seconds) on two CPU cores", opening, re.M
    )
    expected = opening.split("- **Expect:**")[1].split("\n\n")[0]
    assert re.search(r"\d", expected)
    assert notebook.cells[-1].source.startswith("## What to try next")
    assert sum(map(is_parameters, notebook.cells)) == 1 and 10 <= len(notebook.cells) <= 25
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST


def test_all_notebooks_are_here():
    assert len(NOTEBOOKS) == 6


@runs_here
def test_a_tokenizer_and_a_prior_are_trained_on_a_folder_of_videos(tmp_path, monkeypatch):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    small = {**SMALL_TRAINING, "hop": 46, "tokenizer_epochs": 1, "prior_epochs": 1}
    results = run("train_on_your_videos", tmp_path, monkeypatch, **small)
    assert 5 < results["PSNR"] < results["PSNR of the mean frame"] + 10 < 60
    assert 0 < results["bits per code of the histogram"] < 8
    assert 6 < results["bits per code"] < 8.1  # hardly trained: nearly those of equal codes
    assert results["samples"] == (8, 8, 16, 16, 3)
    written = {path.name for path in (tmp_path / "train_on_your_videos").iterdir()}
    assert {"vqvae.keras", "videogpt.keras", "samples.gif", "reconstructions.gif"} <= written


@runs_here
def test_a_world_model_is_given_frames_and_actions(tmp_path, monkeypatch):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    small = {**SMALL_TRAINING, "hop": 46, "tokenizer_epochs": 1, "prior_epochs": 1}
    results = run("predict_and_act_in_vizdoom", tmp_path, monkeypatch, starts=2, **small)
    right, wrong = (results[f"bits per code, told the {w} actions"] for w in ("right", "wrong"))
    assert 6 < right < 8.1 and 6 < wrong < 8.1
    assert 0 <= results["share nearer to the game under their own actions"] <= 1
    assert results["imagined"] == (2, 2, 8, 16, 16, 3)


@runs_here
def test_likelihoods_of_recorded_clips_are_higher_than_of_shuffled_ones(tmp_path, monkeypatch):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    results = run("likelihoods", tmp_path, monkeypatch, episodes=1, most_clips=6)
    bits = results["bits per code"]
    assert 2 < bits < 4.5 < results["bits per code of the histogram"] < 9
    assert results["bits per code shuffled"] > bits + 0.2
    np.testing.assert_allclose(np.mean(results["bits by latent frame"]), bits, atol=2e-3)


@runs_here
def test_an_exported_model_gives_the_clips_that_python_gives(tmp_path, monkeypatch):
    gpt = small_gpt(small_vqvae())
    randomize(gpt)
    preset = str(gpt.save_to_preset(tmp_path / "preset", trained_on="nothing"))
    results = run("export_and_serve", tmp_path, monkeypatch, preset=preset, n=3)
    assert results["share of equal sampled codes"] == 1
    assert results["share of equal encoded codes"] > 0.999
    assert results["largest difference of sampled clips"] <= 1
    assert results["largest difference of decoded clips"] < 1e-4
    assert (
        results["largest difference of ONNX"] is None
        or results["largest difference of ONNX"] < 1e-3
    )
    assert set(results["signatures"]) >= {"encode", "decode", "reconstruct", "sample"}


@runs_here
def test_two_devices_give_the_numbers_of_one(tmp_path, monkeypatch):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    small = {"episodes": 10, "size": 16, "hidden_units": 8, "hidden_dim": 16}
    small |= {"epochs": 4, "steps_per_epoch": 1, "steps_of_torchrun": 0}
    results = run("several_devices", tmp_path, monkeypatch, **small)
    assert results["parts of a batch"] == 2
    assert results["first difference of the tokenizer"] < 1e-4
    assert results["largest difference of the prior"] < 1e-4
    assert max(results["last losses over first ones"]) < 0.999  # it learned something


@runs_here
def test_a_checkpoint_of_the_original_is_converted(tmp_path, monkeypatch):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    pytest.importorskip("torch", reason="the notebook writes a checkpoint with PyTorch")
    small = {**SMALL_TRAINING, "layers": 1, "epochs": 1}
    results = run("import_an_original_checkpoint", tmp_path, monkeypatch, **small)
    assert (
        results["difference of logits"] < 1e-5 and max(results["differences of the copies"]) < 1e-5
    )
    assert results["PSNR"] > 5 and 4 < results["bits per code"] < 7.2
    assert results["samples"] == (8, 8, 16, 16, 3)
