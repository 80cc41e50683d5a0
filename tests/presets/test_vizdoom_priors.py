"""Priors of the ViZDoom presets, which are conditioned on actions, on the command line and off."""

import json

import numpy as np
import pytest
from checks import small_vqvae
from cli_runs import PRIOR, fails_in_one_line, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.cli import main
from keras_videogpt.commands.training_run import TRAINING_SETTINGS
from keras_videogpt.presets import settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Videos with one-hot actions of four buttons, and a tokenizer."""
    folder = tmp_path_factory.mktemp("folder")
    videos = write_data(folder / "videos")
    assert train_vqvae(videos, folder / "vqvae", "--steps 2") == 0  # it mirrors clips
    rng = np.random.default_rng(0)
    for path in videos.rglob("*.mkv"):
        actions = np.eye(4, dtype="float32")[rng.integers(0, 4, 10)]
        np.save(path.with_suffix(".actions.npy"), actions)
    return folder


def train(data, out, folder, extra=""):
    small = PRIOR.replace("--preset demo", "--preset vizdoom_hgs").split()
    command = ["train", "prior", data, "--tokenizer", folder / "vqvae/vqvae.keras", "--out", out]
    return [*map(str, command), *small, "--steps", "2", *extra.split()]


def test_the_preset_s_prior_is_given_the_actions_of_the_data(folder, tmp_path):
    assert main(train(folder / "videos", tmp_path / "run", folder)) == 0
    model = kvg.load(tmp_path / "run")
    assert model.action_shape == (4, 4) and model.action_conditioning == "clip"
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["action_shape"] == [4, 4] and config["action_conditioning"] == "clip"
    actions = folder / "videos" / "train" / "0.actions.npy"
    command = ["sample", tmp_path / "run", "-n", 2, "--out", tmp_path / "clips.npz"]
    assert main([str(word) for word in [*command, "--actions", actions]]) == 0
    assert np.load(tmp_path / "clips.npz")["videos"].shape == (2, 4, 16, 16, 3)


def test_the_same_from_stored_tokens_and_frame_by_frame(folder, tmp_path):
    tokenizer, tokens = folder / "vqvae" / "vqvae.keras", tmp_path / "tokens"
    command = ["encode", folder / "videos", "--tokenizer", tokenizer, "--out", tokens]
    assert main([str(word) for word in command]) == 0
    assert main(train(tokens, tmp_path / "run", folder, "--action-cond frame")) == 0
    model = kvg.load(tmp_path / "run")
    assert model.action_shape == (4, 4) and model.action_conditioning == "frame"


def test_data_without_actions_says_how_to_do_without(folder, tmp_path, capsys):
    plain, out = write_data(tmp_path / "plain"), tmp_path / "run"
    words = ("--preset vizdoom_hgs needs actions, and", "--action-cond none")
    fails_in_one_line(capsys, train(plain, out, folder), *words)
    assert not out.exists()
    assert main(train(plain, out, folder, "--action-cond none")) == 0
    assert kvg.load(out).action_shape is None


def test_settings_are_arguments_of_the_model():
    vqvae = small_vqvae(video_shape=(16, 8, 8, 3), downsample=(4, 4, 4), hidden_units=8)
    options = settings("prior", "vizdoom_hgs")
    options = {name: value for name, value in options.items() if name not in TRAINING_SETTINGS}
    gpt = kvg.VideoGPT(vqvae, **options | {"num_layers": 1, "hidden_dim": 16})
    assert gpt.action_shape == (16, 4) and gpt.action_conditioning == "clip"
    rng = np.random.default_rng(0)
    actions = np.eye(4, dtype="float32")[rng.integers(0, 4, (2, 16))]
    codes = rng.integers(0, 32, (2, *gpt.codes_shape)).astype("int32")
    gpt.compile(optimizer="adam")
    gpt.fit({"codes": codes, "actions": actions}, batch_size=2, verbose=0)
    assert kvg.sample(gpt, 2, actions=actions, progress=False).shape == (2, 16, 8, 8, 3)
