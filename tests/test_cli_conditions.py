"""The commands with priors that are given first frames and classes."""

import json

import numpy as np
import pytest
from checks import randomize
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data
from PIL import Image, ImageSequence

import keras_videogpt as kvg
from keras_videogpt.callbacks.pictures import beside
from keras_videogpt.cli import main

CONDITIONS = (
    "--attention sparse --frame-cond 2 --class-cond --frame-encoder-depth 18 "
    "--frame-encoder-width 8"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"), ("cats", "dogs"))


@pytest.fixture(scope="module")
def vqvae(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    assert train_vqvae(data, folder, "--steps 2") == 0
    return folder / "vqvae.keras"


@pytest.fixture(scope="module")
def run(data, vqvae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "prior"
    assert train_prior(data, vqvae, folder, f"--steps 2 {CONDITIONS}") == 0
    return folder


@pytest.fixture(scope="module")
def prior(run, tmp_path_factory):
    """The trained prior with random weights, so that its conditions matter, and its file."""
    path = tmp_path_factory.mktemp("random") / "videogpt.keras"
    model = kvg.load(run)
    randomize(model, scale=1.0)
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def held_out(data):
    """Held-out clips: videos and labels."""
    clips = kvg.data.Clips(kvg.data.open_videos(data, "test"), 4, 16, start="all")
    videos, labels = zip(*((clip["video"], clip["label"]) for clip in clips), strict=True)
    return np.stack(videos), np.stack(labels)


def test_conditions_are_settings_of_the_run(run, data, vqvae, capsys):
    config = json.loads((run / "config.json").read_text())
    model = kvg.load(run)
    expected = {
        "attention": "sparse",
        "frame_cond": 2,
        "num_classes": 2,
        "frame_encoder_depth": 18,
        "frame_encoder_width": 8,
    }
    assert {name: config[name] for name in expected} == expected
    assert {name: getattr(model, name) for name in expected} == expected
    capsys.readouterr()
    assert train_prior(data, vqvae, run, "--steps 2 --frame-cond 1") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "attention is 'sparse' there and 'full' here" in message
    assert "frame_cond is 2 there and 1 here" in message
    assert "num_classes is 2 there and None here" in message


def test_a_run_keeps_the_names_of_its_classes_which_are_labels_too(run, data, tmp_path, capsys):
    assert kvg.load(run).class_names == ("cats", "dogs")
    video = data / "test" / "cats" / "6.mkv"
    command = ["sample", run, "-n", 2, "--seed", 0, "--frames", video]
    for label in ("dogs,cats", "1,0"):
        written = ["--out", tmp_path / f"{label}.npz", "--label", label]
        assert main([*map(str, [*command, *written])]) == 0
    by_name, by_number = (np.load(tmp_path / f"{x}.npz")["videos"] for x in ("dogs,cats", "1,0"))
    np.testing.assert_array_equal(by_name, by_number)
    command += ["--out", tmp_path / "x.npz", "--label", "birds"]
    fails_in_one_line(capsys, command, "--label takes the names cats, dogs; got 'birds'")


def test_pictures_show_held_out_clips_beside_samples_that_begin_as_they_do(run, held_out):
    videos, labels = held_out[0][::2], held_out[1][::2]  # the first clip of each video
    samples = kvg.sample(kvg.load(run), 2, frames=videos[:, :2], labels=labels, seed=0)
    expected = kvg.data.tile_videos(beside(videos, samples)).astype("float32")
    (path,) = (run / "samples").iterdir()
    with Image.open(path) as picture:
        frames = [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(picture)]
    assert np.shape(frames) == expected.shape
    assert np.abs(np.stack(frames) - expected).mean() < 6  # 256 colours


def test_sample_takes_frames_and_labels(prior, data, held_out, tmp_path):
    model, path = prior
    videos, labels = held_out[0][:3], [1, 0, 1]
    np.savez(tmp_path / "given.npz", videos=videos)
    out = tmp_path / "clips.npz"
    command = ["sample", str(path), "-n", "3", "--seed", "5", "--out", str(out), "--overwrite"]
    frames = ["--frames", str(tmp_path / "given.npz")]
    assert main([*command, *frames, "--label", "1,0,1"]) == 0
    clips = np.load(out)["videos"]
    expected = kvg.sample(model, 3, frames=videos[:, :2], labels=labels, seed=5)
    np.testing.assert_array_equal(clips, expected)
    others = kvg.sample(model, 3, frames=videos[:, :2], labels=[0, 0, 1], seed=5)
    assert (others[0] != clips[0]).any()

    # One video of another size, at a stride, and one label, for all clips.
    large = kvg.data.read_video(data / "test" / "cats" / "6.mkv").repeat(2, 1).repeat(3, 2)
    kvg.data.write_mkv_lossless(tmp_path / "large.mkv", large)
    frames = ["--frames", str(tmp_path / "large.mkv"), "--stride", "3"]
    assert main([*command, *frames, "--label", "1"]) == 0
    first = kvg.data.resize_shorter_side(large[[0, 3]], 16)
    first = np.stack([kvg.data.center_crop(first, 16)] * 3)
    expected = kvg.sample(model, 3, frames=first, labels=[1, 1, 1], seed=5)
    np.testing.assert_array_equal(np.load(out)["videos"], expected)


def test_evaluate_gives_each_clip_its_own_conditions(prior, data, held_out, tmp_path):
    model, path = prior
    out, folder = tmp_path / "figures.json", tmp_path / "work"
    command = ["evaluate", str(path), str(data), "--json", str(out), "--batch-size", "3"]
    assert main([*command, "--features", "none", "--out", str(folder)]) == 0
    (videos, labels), codes = held_out, model.tokenizer.encode(held_out[0])
    bits = model.bits_per_dim(videos, labels=labels).mean()
    assert json.loads(out.read_text())["bits per code of the prior"] == pytest.approx(bits, 1e-5)
    for wrong in ((videos[:, :2], 1 - labels), (videos[::-1, :2], labels)):
        assert model.bits_per_dim(codes, *wrong).mean() != pytest.approx(bits, 1e-4)

    # More samples than there are clips, under the conditions of clips in the order of the seed.
    clips = np.random.default_rng(0).permutation(4)[np.arange(6) % 4]
    given = {"frames": videos[clips, :2], "labels": labels[clips]}
    _, expected = kvg.sample(model, 6, **given, seed=0, return_codes=True)
    sampled = [np.load(file)["codes"] for file in sorted(folder.glob("samples-*.npz"))]
    np.testing.assert_array_equal(np.concatenate(sampled), expected)


@pytest.fixture
def loaded(prior, monkeypatch):
    """Has `sample` take the prior as it is, since reading it takes seconds."""
    monkeypatch.setattr("keras_videogpt.commands.sample.load", lambda path: prior[0])


def test_conditions_that_do_not_fit_are_one_line(loaded, data, tmp_path, capsys):
    video = data / "test" / "cats" / "6.mkv"
    empty, short, floats, other = (tmp_path / f"{name}.npz" for name in ("e", "s", "f", "o"))
    empty.touch()
    np.savez(short, videos=np.zeros((2, 1, 16, 16, 3), "uint8"))
    np.savez(floats, videos=np.zeros((4, 16, 16, 3), "float32"))
    np.savez(other, codes=np.zeros(4))
    command = ["sample", "gpt.keras", "--out", tmp_path / "out.gif", "-n", "3"]

    def fails(*arguments_and_words):
        *arguments, words = arguments_and_words
        fails_in_one_line(capsys, [*command, *arguments], *words)

    fails("--label", 0, ["gpt.keras is conditioned on the first 2 frames", "--frames"])
    fails("--frames", video, ["gpt.keras is conditioned on 2 classes", "--label"])
    for label, words in (("2", "[0, 1]"), ("-1", "[0, 1]"), ("0,1", "or -n 3 of them; got 2")):
        fails("--frames", video, "--label", label, ["--label", words])
    for file, words in (
        (tmp_path / "nowhere.mp4", "there is no file"),
        (tmp_path, "which is a folder"),
        (empty, "e.npz can't be used"),
        (short, "2 frames at --stride 1 are needed"),
        (floats, "float32"),
        (other, "'videos'"),
    ):
        fails("--frames", file, "--label", 0, ["--frames", words])
    fails("--frames", video, "--stride", 10, "--label", 0, ["it has 10 frames"])
    fails("--frames", video, "--stride", 0, "--label", 0, ["--stride must be at least 1"])
    fails("--keep-frames", "--label", 0, ["--keep-frames needs", "--frames VIDEO"])
    np.save(tmp_path / "two.npy", np.zeros((2, 4, 16, 16, 3), "uint8"))
    fails("--frames", tmp_path / "two.npy", "--label", 0, ["or -n 3 of them; got 2"])
    fails("--frames", video, "--label", "birds", ["--label takes", "got 'birds'"])
    with pytest.raises(SystemExit):
        main([*map(str, command), "--label", "0,"])
    assert "must be the number or the name of a class" in capsys.readouterr().err


def test_conditions_need_a_prior_and_data_that_have_them(data, vqvae, prior, tmp_path, capsys):
    flat, out = write_data(tmp_path / "flat"), tmp_path / "run"
    fails_in_one_line(capsys, ["evaluate", prior[1], flat], "2 classes", "the data has none")
    train = ["train", "prior", flat, "--tokenizer", vqvae, "--preset", "demo", "--out", out]
    fails_in_one_line(capsys, [*train, "--class-cond"], "--class-cond needs classes", "flat has")
    fails_in_one_line(capsys, [*train, "--frame-cond", 5], "frame_cond must lie in [0, 4]")
    assert not out.exists()
    assert train_prior(data, vqvae, out, "--steps 2") == 0
    command = ["sample", out, "--out", tmp_path / "x.gif"]
    video = data / "test" / "cats" / "6.mkv"
    fails_in_one_line(capsys, [*command, "--frames", video], "is not conditioned on frames")
    fails_in_one_line(capsys, [*command, "--label", 0], "is not conditioned on classes")
