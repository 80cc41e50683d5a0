"""`keras-videogpt data list|show|prepare`, and data presets as DATA."""

import json

import numpy as np
import pytest
from cli_runs import fails_in_one_line, train_vqvae, write_data
from PIL import Image

from keras_videogpt.cli import main
from keras_videogpt.commands import training_run
from keras_videogpt.data import VideoFolder, open_videos, write_gif
from keras_videogpt.presets import DATA_SETS


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_VIDEOGPT_CACHE")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def digits(tmp_path):
    shapes = np.zeros((20, 28, 28), "uint8")
    shapes[:, 4:24, 8:20] = np.arange(100, 120)[:, None, None]
    np.savez(tmp_path / "digits.npz", x_train=shapes)
    return tmp_path / "digits.npz"


def prepare(name, out, *options):
    return main(["data", "prepare", name, "--out", str(out), *map(str, options)])


def test_list_and_show_say_what_is_prepared(tmp_path, digits, capsys):
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:8]] == list(DATA_SETS)
    assert all("16x64x64  no; " in line for line in lines[1:8])
    assert prepare("moving_mnist", "digits", "--source", digits, "--videos", 20) == 0
    printed = capsys.readouterr().out
    assert "Wrote digits (18 train, 2 test videos) and digits/contact_sheet.png" in printed
    with Image.open("digits/contact_sheet.png") as sheet:
        assert sheet.size == (16 * 66 - 2, 6 * 66 - 2)
    main(["data", "list"])
    assert capsys.readouterr().out.splitlines()[1].endswith(str(tmp_path / "digits"))
    assert main(["data", "show", "moving_mnist"]) == 0
    printed = capsys.readouterr().out
    assert "(4, 16, 16) of 512" in printed and "hidden_dim 192" in printed
    assert "train: 18 videos, 360 frames" in printed and "test: 2 videos" in printed
    assert "valid:" not in printed


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_preset_has_a_page(name, capsys):
    assert main(["data", "show", name]) == 0
    printed = capsys.readouterr().out
    for word in ("source", "splits", "variance", "learning_rate 0.0007", "not on this machine"):
        assert word in printed
    assert max(map(len, printed.splitlines())) <= 140


def test_moving_mnist_goes_on_and_grows(tmp_path, digits, capsys):
    out = tmp_path / "digits"
    assert prepare("moving_mnist", out, "--source", digits, "--videos", 12) == 0
    first = VideoFolder(out, "train").frames(3)
    (out / "train/video_000003.mkv").unlink()
    kept = (out / "train/video_000002.mkv").stat().st_mtime_ns
    assert prepare("moving_mnist", out, "--source", digits, "--videos", 21) == 0
    store = VideoFolder(out, "train")
    np.testing.assert_array_equal(store.frames(3), first)
    assert len(store) == 19 and len(VideoFolder(out, "test")) == 2
    assert (out / "train/video_000002.mkv").stat().st_mtime_ns == kept
    # Training videos are of training digits, test videos of test digits.
    brightness = set(np.unique(VideoFolder(out, "test").frames(0))) - {0}
    assert brightness <= {109, 119}
    command = ["data", "prepare", "moving_mnist", "--out", out, "--source", digits]
    fails_in_one_line(capsys, [*command, "--seed", 1], "another recording", "seed=0 there")


def test_a_preset_is_trained_by_its_name_from_anywhere(tmp_path, monkeypatch, capsys):
    write_data(tmp_path / "bair_videos")
    cache = tmp_path / "home/.cache/keras_videogpt"
    cache.mkdir(parents=True)
    folder = str(tmp_path / "bair_videos")
    (cache / "prepared.json").write_text(json.dumps({"bair": folder, "tgif": "/no/where"}))
    trained = []
    monkeypatch.setattr(training_run, "train", lambda *args, **options: trained.append(args[2]))
    assert train_vqvae("bair", tmp_path / "run") == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["data"] == folder
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert train_vqvae("bair", tmp_path / "run") == 0  # the same run goes on
    assert [len(clips) for clips in trained] == [6, 6]
    command = ["train", "vqvae", "tgif", "--out", tmp_path / "no"]
    fails_in_one_line(capsys, command, "not prepared", "data prepare tgif --out DIR")
    (tmp_path / "elsewhere/bair").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no video"):
        open_videos("bair")  # a folder of that name comes first


def test_gifs_that_fail_are_named_and_a_folder_of_them_is_linked(tmp_path, capsys):
    (tmp_path / "gifs").mkdir()
    for i in range(10):
        write_gif(tmp_path / f"gifs/{i}.gif", np.full((4, 8, 8, 3), 20 * i, "uint8"))
    urls = [(tmp_path / f"gifs/{name}.gif").as_uri() for name in (0, 1, "gone")]
    (tmp_path / "list.tsv").write_text("\n".join(urls))
    assert prepare("tgif", "listed", "--source", "list.tsv") == 0
    printed = capsys.readouterr().out
    assert f"Left out {urls[2]}: " in printed and "1 videos are left out" in printed
    assert "(2 train videos)" in printed
    assert prepare("tgif", "linked", "--source", "gifs", "--videos", 4) == 0
    assert "(4 train, 1 test videos)" in capsys.readouterr().out
    assert open_videos("tgif", "test").name(0) == "test/000009.gif"


def test_wrong_requests_are_one_line_and_status_2(tmp_path, capsys):
    def command(*words):
        return ["data", "prepare", *words, "--out", tmp_path / "out"]

    fails_in_one_line(capsys, command("ucf101"), "ucf101 needs more", "--splits DIR")
    fails_in_one_line(capsys, command("tgif", "--source", "no.tsv"), "no list of URLs 'no.tsv'")
    wrong = command("moving_mnist", "--source", "no.npz")
    fails_in_one_line(capsys, wrong, "no digits at 'no.npz'")
    fails_in_one_line(capsys, command("bair", "--videos", "0"), "videos must be at least 1")
    with pytest.raises(SystemExit) as exit_:
        main([str(word) for word in command("kinetics")])
    assert exit_.value.code == 2 and "kinetics" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
