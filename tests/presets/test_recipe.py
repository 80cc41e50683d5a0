"""The script that made the shipped preset makes one, smaller, with the same commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import keras_videogpt as kvg

SCRIPT = Path(__file__).parents[2] / "examples" / "make_shipped_preset.py"


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="its commands are tested on all; torch is fast"
)
def test_the_recipe_of_the_shipped_preset_runs(tmp_path):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    pytest.importorskip("av", reason="needs the video extra")
    arguments = ["--out", tmp_path / "made", "--work", tmp_path / "work", "--small", "--steps", "2"]
    process = subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, "KERAS_VIDEOGPT_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert f"Wrote {tmp_path / 'made'}: PSNR " in process.stdout
    made = json.loads((tmp_path / "made" / "metadata.json").read_text())
    shipped = Path(kvg.__file__).parent / "presets" / "vizdoom_small" / "metadata.json"
    shipped = json.loads(shipped.read_text())
    for name in ("class", "trained_on"):
        assert made[name] == shipped[name]
    # The same commands, but for the sizes.
    words = [
        [word for word in one["recipe"].split() if word in ("data", "train", "vqvae", "evaluate")]
        for one in (made, shipped)
    ]
    assert words[0] == words[1] and len(words[0]) > 4
    assert set(made["figures"]) >= {"PSNR (dB)", "bits per code of the prior"}
    commands = [line for line in made["recipe"].splitlines() if "--steps" in line]
    assert len(commands) == 2
    gpt = kvg.load(tmp_path / "made")
    assert gpt.num_layers == 1 and gpt.tokenizer.video_shape == (16, 16, 16, 3)
    again = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert again.returncode == 2 and "is there already" in again.stderr
