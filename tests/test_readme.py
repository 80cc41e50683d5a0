"""The README's notebook example and the script of `examples/` run as written, but smaller."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_videogpt.data import write_mkv_lossless

ROOT = Path(__file__).parent.parent


@pytest.fixture
def videos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "videos"
    folder.mkdir()
    for i in range(3):
        frames = rng.integers(0, 256, (6, 16, 16, 3), "uint8")
        write_mkv_lossless(folder / f"video_{i}.mkv", frames)
    return folder


def notebook_example() -> str:
    """The README's Python block, with the numbers that make it slow replaced."""
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    smaller = {
        "num_frames=8, size=64": "num_frames=4, size=16",
        "(8, 64, 64, 3)": "(4, 16, 16, 3)",
        "hidden_units=64": "hidden_units=16, num_residual_layers=1",
        "hidden_dim=128": "hidden_dim=32",
        "num_layers=4": "num_layers=1",
        "epochs=100": "epochs=1",
        "epochs=50": "epochs=1",
    }
    for number, small in smaller.items():
        assert block.count(number) == 1, number
        block = block.replace(number, small)
    return block


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_notebook_example_trains_both_models_and_writes_samples(videos, monkeypatch, policy):
    monkeypatch.chdir(videos.parent)
    keras.config.set_dtype_policy(policy)
    try:
        names = {}
        exec(notebook_example(), names)
    finally:
        keras.config.set_dtype_policy("float32")
    for model, name in ((names["vqvae"], "loss"), (names["gpt"], "bits_per_code")):
        assert model.compute_dtype == policy.removeprefix("mixed_")
        assert np.isfinite(model.history.history[name]).all()
    assert (videos.parent / "samples.gif").read_bytes().startswith(b"GIF89a")


def test_the_notebook_example_has_twelve_lines_of_code():
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) == 12


def test_the_example_script_writes_models_and_pictures(videos):
    script = ROOT / "examples" / "train_on_your_videos.py"
    small = "--frames 4 --size 16 --hidden-units 16 --tokenizer-epochs 1 --prior-epochs 1"
    out = videos.parent / "output"
    subprocess.run(
        [sys.executable, script, videos, "--out", out, *small.split()],
        check=True,
        capture_output=True,
    )
    written = {path.name for path in out.iterdir()}
    assert written == {"vqvae.keras", "videogpt.keras", "reconstruction.gif", "samples.gif"}
