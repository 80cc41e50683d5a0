"""`keras-videogpt encode`, and training on what it stored."""

import json

import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data
from PIL import Image

import keras_videogpt as kvg
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.cli import main
from keras_videogpt.commands.conditions import read_batch
from keras_videogpt.commands.stored_tokens import decoded
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.tokens import StoredTokens, TokenFolder, fingerprint

FRAMES = "--frame-cond 1 --frame-encoder-depth 18 --frame-encoder-width 8"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), ("cats", "dogs"))


@pytest.fixture(scope="module")
def vqvae(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    assert train_vqvae(data, folder, "--steps 2") == 0
    return folder / "vqvae.keras"


def encode(data, vqvae, out, extra: str = "") -> int:
    command = ["encode", data, "--tokenizer", vqvae, "--out", out, "--workers", 1]
    return main([*map(str, command), *extra.split()])


@pytest.fixture(scope="module")
def tokens(data, vqvae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "tokens"
    extra = "--start random --flip --passes 2 --frame-cond 2 --batch-size 4"
    assert encode(data, vqvae, folder, extra) == 0
    return folder


@pytest.fixture(scope="module")
def run(tokens, vqvae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "prior"
    assert train_prior(tokens, vqvae, folder, "--steps 4 --class-cond") == 0
    return folder


def test_every_clip_of_both_splits_is_stored(data, vqvae, tmp_path, capsys):
    folder = tmp_path / "tokens"
    assert encode(data, vqvae, folder, "--hop 3 --clips-per-shard 5") == 0
    printed = capsys.readouterr().out
    # Videos of 10 frames, clips of 4: starts 0, 3, 6 of six videos, and 0, 4 of two.
    assert f"Wrote {folder}:" in printed
    assert "train: 18 clips, codes int16 (2, 4, 4), label int32, 2 classes" in printed
    assert "test: 4 clips" in printed and f"train prior {folder}" in printed
    model = kvg.load(vqvae)
    stored = StoredTokens(folder, model)
    videos = kvg.data.open_videos(data, "train")
    clips = np.stack([videos.frames(v, start, 4) for v in range(6) for start in (0, 3, 6)])
    codes = np.stack([item["codes"] for item in stored])
    np.testing.assert_array_equal(codes, model.encode(clips))
    assert [int(item["label"]) for item in stored] == [0] * 9 + [1] * 9
    assert encode(data, vqvae, folder, "--hop 3 --clips-per-shard 5") == 0
    assert "holds all its clips already" in capsys.readouterr().out


def test_show_says_what_tokens_hold_and_what_is_missing(tokens, data, vqvae, capsys):
    assert main(["data", "show", str(tokens)]) == 0
    printed = capsys.readouterr().out
    assert "train: 6 clips in 2 passes, codes int16 (2, 4, 4), label int32, frames uint8" in printed
    assert fingerprint(kvg.load(vqvae)) in printed and str(data.resolve()) in printed
    assert "Not complete" not in printed
    shard = tokens / "test" / "00000.npy"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    assert main(["data", "show", str(tokens)]) == 0
    assert "Not complete: 1 shards are missing" in capsys.readouterr().out
    shard.write_bytes(content)


def test_a_prior_trains_on_tokens_as_on_videos(run, tokens, data, vqvae, tmp_path):
    config = json.loads((run / "config.json").read_text())
    assert config["tokens"] == TokenFolder(tokens).description["splits"]["train"]
    other = tmp_path / "videos"
    assert train_prior(data, vqvae, other, "--steps 4 --class-cond --flip") == 0
    assert_same_weights(weights_of(kvg.load(run)), weights_of(kvg.load(other)), tolerance=1e-4)


def test_a_run_on_tokens_goes_on_where_it_stopped(run, tokens, vqvae, tmp_path, monkeypatch):
    original = RunCheckpoint.on_train_batch_end

    def stopping(callback, batch, logs=None):
        original(callback, batch, logs)
        if callback.step == 3:
            raise KeyboardInterrupt

    folder, extra = tmp_path / "run", "--steps 4 --class-cond"
    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoint, "on_train_batch_end", stopping)
        assert train_prior(tokens, vqvae, folder, extra) == 1
    assert train_prior(tokens, vqvae, folder, extra) == 0
    assert_same_weights(weights_of(kvg.load(folder)), weights_of(kvg.load(run)), 1e-6)


def test_a_prior_is_given_stored_frames_and_pictures_begin_with_them(tokens, data, vqvae, tmp_path):
    assert train_prior(tokens, vqvae, tmp_path / "run", f"--steps 2 {FRAMES}") == 0
    assert kvg.load(tmp_path / "run").frame_cond == 1
    with Image.open(tmp_path / "run" / "samples" / "step-00000002.gif") as picture:
        assert picture.width == 2 * (16 + 2 + 16) + 2  # two by two, held-out clips on the left
    model = kvg.load(vqvae)
    shown = decoded(read_batch(StoredTokens(tokens, model, "test", 2), range(4)), model)
    videos = kvg.data.open_videos(data, "test")
    clips = np.stack([videos.frames(v, start, 4) for v in range(2) for start in (0, 4)])
    expected = to_uint8(model.decode(model.encode(clips)))
    np.testing.assert_array_equal(shown["video"][:, :2], clips[:, :2])
    np.testing.assert_array_equal(shown["video"][:, 2:], expected[:, 2:])


def test_wrong_input_is_one_line_and_status_2(tokens, data, vqvae, tmp_path, capsys):
    other, out = tmp_path / "other.keras", tmp_path / "out"
    model = kvg.load(vqvae)
    given = fingerprint(model)
    model.quantizer.codebook.assign(np.zeros((1, 32, 8), "float32"))
    model.save(other)
    encode = ["encode", data, "--out", out, "--tokenizer"]
    train = ["train", "prior", tokens, "--out", out, "--preset", "demo", "--tokenizer"]

    def fails(*arguments_and_words):
        *arguments, words = arguments_and_words
        fails_in_one_line(capsys, arguments, *words)
        assert not out.exists()

    fails(*train, other, ["another tokenizer", given, fingerprint(model)])
    fails(*train, vqvae, "--frame-cond", 3, ["frame_cond must lie in [0, 2]", "got 3"])
    fails(*train, vqvae, "--crop", "random", ["--crop can't be given with stored tokens"])
    fails(*encode, vqvae, "--passes", 2, ["the same clips 2 times"])
    fails(*encode, vqvae, "--start", "random", "--hop", 2, ["hop=2", "start='random'"])
    fails(*encode, vqvae, "--frame-cond", 5, ["frame_cond must lie in [0, 4]"])
    fails(*encode, tmp_path / "no.keras", ["no.keras"])
    fails("encode", tokens, "--out", out, "--tokenizer", vqvae, ["holds no video"])
    fails("train", "vqvae", tokens, "--out", out, "--preset", "demo", ["holds no video"])
    fails("evaluate", vqvae, tokens, ["evaluate needs videos", f"stored tokens of {data}"])
    fails(*train, vqvae, "--augment", "flip", ["--augment can't be given with stored tokens"])
    into = ["encode", data, "--out", tokens, "--tokenizer"]
    fails(*into, other, ["holds other tokens", "tokenizer is", given])
    fails(*into, vqvae, ["splits.train.start is 'random' there and 'all' here"])
    (tokens / "test" / "00000.npy").rename(tmp_path / "shard.npy")
    fails(*train, vqvae, ["is not complete: 1 shards"])
    (tmp_path / "shard.npy").rename(tokens / "test" / "00000.npy")
