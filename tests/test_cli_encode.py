"""`keras-videogpt encode` with the clip options of `train`, and training on what it stored."""

import argparse
import json

import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.cli import build_parser, main
from keras_videogpt.data.embedded_clips import read_embeddings
from keras_videogpt.data.named_augmentations import named_augmentation
from keras_videogpt.tokens import StoredTokens, TokenFolder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Videos of two classes with actions, a tokenizer, and embeddings of the classes."""
    folder = tmp_path_factory.mktemp("folder")
    videos = write_data(folder / "videos", ("cats", "dogs"))
    assert train_vqvae(videos, folder / "vqvae", "--steps 2") == 0
    rng = np.random.default_rng(0)
    for path in videos.rglob("*.mkv"):
        np.save(path.with_suffix(".actions.npy"), rng.normal(size=(10, 2)).astype("float32"))
    words = rng.normal(size=(3, 5)).astype("float32")
    np.savez(folder / "words.npz", cats=words[:1], dogs=words)
    return folder


def encode(folder, out, extra) -> list[str]:
    tokenizer = folder / "vqvae" / "vqvae.keras"
    command = ["encode", folder / "videos", "--tokenizer", tokenizer, "--out", out]
    return [*map(str, command), "--workers", "1", *extra.split()]


@pytest.fixture(scope="module")
def tokens(folder):
    out = folder / "tokens"
    extra = f"--start random --augment contrast shift --embeddings {folder / 'words.npz'}"
    assert main(encode(folder, out, f"{extra} --passes 2")) == 0
    return out


def options_of(*names) -> set[str]:
    parser = build_parser()
    for name in names:
        parser = next(
            action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
        ).choices[name]
    return {option for action in parser._actions for option in action.option_strings}


def test_encode_takes_every_option_of_training_that_decides_what_clips_are():
    clips = {"--stride", "--crop", "--flip", "--augment", "--seed", "--embeddings"}
    assert clips <= options_of("train", "prior") and clips <= options_of("encode")


def test_augmented_clips_and_embeddings_are_stored(tokens, folder):
    model = kvg.load(folder / "vqvae")
    stored = StoredTokens(tokens, model)
    clips = kvg.data.EmbeddedClips(
        kvg.data.open_videos(folder / "videos", "train"),
        read_embeddings(folder / "words.npz"),
        num_frames=4,
        size=16,
        augment=named_augmentation(["contrast", "shift"]),
    )
    for epoch in range(2):
        for index in range(6):
            item, wanted = stored.get(index, epoch), clips.get(index, epoch)
            np.testing.assert_array_equal(item["codes"], model.encode(wanted["video"][None])[0])
            for name in ("label", "actions", "embeddings", "embedding_mask"):
                np.testing.assert_array_equal(item[name], wanted[name])
    splits = TokenFolder(tokens).description["splits"]
    assert "RandomContrast(" in splits["train"]["augment"]
    assert "RandomTranslation(" in splits["train"]["augment"]
    assert splits["test"]["augment"] is None and splits["test"]["passes"] == 1


def test_a_prior_of_every_condition_trains_on_tokens_as_on_videos(tokens, folder, tmp_path):
    tokenizer, words = folder / "vqvae" / "vqvae.keras", folder / "words.npz"
    conditions = "--steps 4 --class-cond --action-cond frame --condition-dropout 0.2 --embeddings"
    assert train_prior(tokens, tokenizer, tmp_path / "tokens", conditions) == 0
    extra = f"{conditions} {words} --augment contrast shift"
    assert train_prior(folder / "videos", tokenizer, tmp_path / "videos", extra) == 0
    one, other = (kvg.load(tmp_path / name) for name in ("tokens", "videos"))
    assert one.embedding_shape == (3, 5) and one.action_shape == (4, 2) and one.num_classes == 2
    assert_same_weights(weights_of(one), weights_of(other), tolerance=1e-4)
    assert len(list((tmp_path / "tokens" / "samples").iterdir())) > 0
    config = json.loads((tmp_path / "tokens" / "config.json").read_text())
    assert "RandomContrast(" in config["tokens"]["augment"]


def test_what_comes_too_late_is_one_line(tokens, folder, tmp_path, capsys):
    tokenizer, words = folder / "vqvae" / "vqvae.keras", folder / "words.npz"
    out = tmp_path / "run"
    train = ["train", "prior", "--tokenizer", tokenizer, "--preset", "demo", "--out", out]
    late = "--augment can't be given with stored tokens: encode them with it"
    fails_in_one_line(capsys, [*train, tokens, "--augment", "hue"], late)
    late = "--flip and --augment can't be given"
    fails_in_one_line(capsys, [*train, tokens, "--flip", "--augment", "hue"], late)
    fails_in_one_line(capsys, [*train, tokens, "--embeddings", words], "takes no FILE with stored")
    videos = folder / "videos"
    fails_in_one_line(capsys, [*train, videos, "--embeddings"], "--embeddings needs a FILE")
    fails_in_one_line(capsys, encode(folder, out, "--augment flip"), "must not mirror videos")
    fails_in_one_line(capsys, encode(folder, out, "--embeddings no.npz"), "no.npz")
    assert not out.exists()
    again = encode(folder, tokens, "--start random --augment contrast --passes 2")
    fails_in_one_line(capsys, again, "holds other tokens", "fields.embeddings is")
    again = [*again, "--embeddings", words]
    fails_in_one_line(capsys, again, 'train.augment is "keras.layers.RandomContrast(')
    plain = tmp_path / "plain"
    assert main(encode(folder, plain, "")) == 0
    fails_in_one_line(capsys, [*train, plain, "--embeddings"], "plain holds no embeddings")
