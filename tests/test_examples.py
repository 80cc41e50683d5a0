"""The scripts of `examples/` that need more than videos run as written, but smaller."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.data import record_vizdoom

ROOT = Path(__file__).parent.parent


def test_a_world_model_is_shown_beside_the_game_under_two_actions(tmp_path):
    pytest.importorskip("vizdoom", reason="needs the vizdoom extra")
    record_vizdoom(tmp_path / "videos", episodes=2, frames=12, size=16, progress=False)
    vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=16, code_dim=8, hidden_units=16)
    gpt = VideoGPT(
        vqvae,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        action_shape=(4, 4),
        action_conditioning="frame",
    )
    gpt.save(tmp_path / "world.keras")
    script = ROOT / "examples" / "act_in_vizdoom.py"
    arguments = ["--out", tmp_path / "worlds", "--starts", "3", "--shown", "2"]
    subprocess.run(
        [sys.executable, script, tmp_path / "videos", tmp_path / "world.keras", *arguments],
        check=True,
        capture_output=True,
    )
    written = {path.name for path in (tmp_path / "worlds").iterdir()}
    assert written == {"worlds.gif", "worlds.png", "figures.json"}
    share, *bits = json.loads((tmp_path / "worlds" / "figures.json").read_text()).values()
    assert 0 <= share <= 1 and np.all(np.array(bits) > 0)
    sheet = np.asarray(Image.open(tmp_path / "worlds" / "worlds.png").convert("RGB"))
    rows = np.split(np.pad(sheet, ((0, 2), (0, 2), (0, 0))), 8)  # 8 clips of 4 frames
    for first, other in ((0, 2), (4, 6)):  # the game, known for two frames, then on its own
        np.testing.assert_array_equal(rows[first][:, : 2 * 34], rows[other][:, : 2 * 34])
    assert np.any(rows[0] != rows[2])  # the game under the two actions


def test_a_prior_is_trained_on_sentences_and_sampled_by_them(tmp_path):
    script = ROOT / "examples" / "follow_words.py"
    small = "--clips 16 --tokenizer-epochs 1 --prior-epochs 1 --samples 1"
    process = subprocess.run(
        [sys.executable, script, "--out", tmp_path / "words", *small.split()],
        check=True,
        capture_output=True,
        text=True,
    )
    written = {path.name for path in (tmp_path / "words").iterdir()}
    assert written == {"vqvae.keras", "videogpt.keras", "samples.gif", "samples.png"}
    assert "Of 6 samples of sentences that were never seen" in process.stdout
    sheet = Image.open(tmp_path / "words" / "samples.png")
    assert sheet.size == (8 * 34 - 2, 6 * 34 - 2)  # a row a sentence, eight frames
