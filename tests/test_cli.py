"""The commands that use trained models, and what they do with wrong input."""

import json
from functools import partial

import numpy as np
import pytest
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data
from PIL import Image

import keras_videogpt as kvg
from keras_videogpt.cli import main
from keras_videogpt.commands import sample_folder
from keras_videogpt.data import read_video, write_mp4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def vqvae(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    assert train_vqvae(data, folder, "--steps 2") == 0
    return folder / "vqvae.keras"


@pytest.fixture(scope="module")
def prior(data, vqvae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "prior"
    assert train_prior(data, vqvae, folder, "--steps 2") == 0
    return folder / "videogpt.keras"


def sampled(prior, path, *arguments):
    command = ["sample", str(prior), "--out", str(path), "-n", "3", *arguments]
    assert main(command) == 0
    return np.load(path)["videos"]


def test_sample_writes_clips_that_the_seed_decides(prior, tmp_path, capsys):
    one = sampled(prior, tmp_path / "one.npz", "--seed", "1")
    assert one.shape == (3, 4, 16, 16, 3) and one.dtype == np.uint8 and one.std() > 1
    np.testing.assert_array_equal(sampled(prior, tmp_path / "two.npz", "--seed", "1"), one)
    assert (sampled(prior, tmp_path / "three.npz", "--seed", "2") != one).any()
    expected = kvg.sample(kvg.load(prior), 3, seed=1, progress=False)
    np.testing.assert_array_equal(expected, one)
    assert "seconds per video" in capsys.readouterr().out


def test_sample_fills_a_folder_and_goes_on_where_it_was_interrupted(
    prior, tmp_path, capsys, monkeypatch
):
    folder, whole = tmp_path / "clips", tmp_path / "whole"
    # No top-k: after two steps most codes have one logit, and rounding would choose among them.
    # And lossless: on a busy machine x264 does not always write the same bytes for the same pixels.
    monkeypatch.setattr(sample_folder, "write_mp4", partial(write_mp4, lossless=True))
    command = ["sample", str(prior), "--temperature", "0.7", "--batch-size", "2", "--out"]
    assert main([*command, str(whole), "-n", "5", "--seed", "3"]) == 0
    assert sorted(path.name for path in whole.iterdir()) == [
        *(f"clip_0000{i}.mp4" for i in range(5)),
        "sampling.json",
    ]
    assert main([*command, str(folder), "-n", "3", "--seed", "3"]) == 0
    (folder / "clip_00002.mp4").unlink()
    kept = (folder / "clip_00000.mp4").stat().st_mtime_ns
    assert main([*command, str(folder), "-n", "5"]) == 0
    assert "Wrote 3 clips" in capsys.readouterr().out
    assert (folder / "clip_00000.mp4").stat().st_mtime_ns == kept
    assert (whole / "sampling.json").read_text() == (folder / "sampling.json").read_text()
    for path in whole.glob("*.mp4"):
        np.testing.assert_array_equal(read_video(path), read_video(folder / path.name))
    assert main([*command, str(folder), "-n", "5"]) == 0
    assert "Wrote 0 clips" in capsys.readouterr().out
    wrong = ["sample", prior, "--out", folder, "-n", "6", "--temperature", "0.5"]
    fails_in_one_line(capsys, wrong, "temperature 0.7; got 0.5")
    fails_in_one_line(capsys, ["sample", prior, "--out", tmp_path], "other files")


def test_sample_takes_a_run_folder_and_draws_a_contact_sheet(prior, tmp_path):
    sheet, gif = tmp_path / "sheet.png", tmp_path / "clips.gif"
    sampled(prior.parent, tmp_path / "clips.npz", "--contact-sheet", str(sheet), "--top-k", "4")
    with Image.open(sheet) as picture:
        assert picture.width >= 4 * 16 and picture.height >= 3 * 16
    assert main(["sample", str(prior), "--out", str(gif), "-n", "1", "--seed", "0"]) == 0
    with Image.open(gif) as picture:
        assert picture.format == "GIF" and picture.n_frames <= 4


def test_an_output_that_exists_stays_without_overwrite(prior, vqvae, data, tmp_path, capsys):
    path = tmp_path / "clips.gif"
    path.write_text("mine")
    fails_in_one_line(capsys, ["sample", prior, "--out", path], "clips.gif")
    fails_in_one_line(capsys, ["reconstruct", vqvae, data, "--out", path], "clips.gif")
    fails_in_one_line(capsys, ["evaluate", vqvae, data, "--json", path], "clips.gif")
    assert path.read_text() == "mine"
    assert main(["sample", str(prior), "--out", str(path), "-n", "1", "--overwrite"]) == 0
    assert path.read_bytes().startswith(b"GIF")


def test_reconstruct_writes_pairs_and_prints_their_psnr(vqvae, data, tmp_path, capsys):
    path = tmp_path / "pairs.npz"
    assert main(["reconstruct", str(vqvae), str(data), "--out", str(path)]) == 0
    printed = capsys.readouterr().out
    pairs = np.load(path)["videos"]
    assert pairs.shape == (2, 4, 16, 34, 3) and (pairs[:, :, :, 16:18] == 255).all()
    clips = kvg.data.Clips(kvg.data.open_videos(data, "test"), 4, 16, start="first")
    np.testing.assert_array_equal(pairs[0, :, :, :16], clips[0]["video"])
    decibels = kvg.metrics.psnr(pairs[:, :, :, :16].copy(), pairs[:, :, :, 18:].copy())
    assert f"clip 1: {decibels[1]:.2f} dB" in printed
    assert f"PSNR {decibels.mean():.2f} dB over 2 clips." in printed


def test_reconstruct_takes_one_video_and_a_prior(prior, data, tmp_path, capsys):
    path = tmp_path / "pairs.gif"
    video = data / "test" / "6.mkv"
    assert main(["reconstruct", str(prior), str(video), "--out", str(path), "-n", "5"]) == 0
    assert "over 2 clips" in capsys.readouterr().out  # 10 frames hold two clips of 4
    with Image.open(path) as picture:
        assert picture.format == "GIF"


def test_evaluate_measures_a_tokenizer_and_a_prior(prior, vqvae, data, tmp_path, capsys):
    assert main(["evaluate", str(vqvae), str(data), "--json", str(tmp_path / "a.json")]) == 0
    path, out = tmp_path / "b.json", tmp_path / "out"
    command = ["evaluate", str(prior), str(data), "--json", str(path), "--batch-size", "3"]
    assert main([*command, "--out", str(out), "--beside", "bair"]) == 0
    printed, stderr = capsys.readouterr()
    assert "No FVD: I3D takes 9 frames or more, and clips have 4" in stderr
    figures = json.loads(path.read_text())
    tokenizer = json.loads((tmp_path / "a.json").read_text())
    assert set(tokenizer) < set(figures)
    assert all(name in printed for name, value in figures.items() if isinstance(value, float))
    assert "this run" in printed and "VideoGPT, 8 layers" in printed
    assert f"Wrote {out / 'figures.json'}, {out / 'clips.png'} and {path}." in printed
    assert json.loads((out / "figures.json").read_text()) == figures
    with Image.open(out / "clips.png") as picture:
        assert picture.format == "PNG" and picture.width == 4 * 18 - 2
    model = kvg.load(prior)
    clips = kvg.data.Clips(kvg.data.open_videos(data, "test"), 4, 16, start="all")
    videos = np.stack([clips[i]["video"] for i in range(len(clips))])
    codes = model.tokenizer.encode(videos)
    assert figures["held-out clips"] == len(clips) == 4
    assert figures["share of codes used"] == pytest.approx(len(np.unique(codes)) / 32)
    bits = model.bits_per_dim(codes).mean()
    assert figures["bits per code of the prior"] == pytest.approx(bits, rel=1e-4)
    assert figures["PSNR (dB)"] == pytest.approx(tokenizer["PSNR (dB)"], rel=1e-3)
    distance = figures["distances"]["random-feature Fréchet distance of samples"]
    assert distance["protocol"] == "videogpt, 2 against 2, 4 frames"
    assert distance["value"] == figures[distance["distance"]] > 0 and distance["floor"] > 0


def test_evaluate_keeps_each_evaluation_beside_the_model(vqvae, data, capsys):
    command = ["evaluate", str(vqvae), str(data), "--clips"]
    written = []
    for clips in ("3", "1", "3"):
        assert main([*command, clips]) == 0
        printed = capsys.readouterr()
        assert "No FVD" in printed.err and "too few for one" in printed.err
        written.append(printed.out.strip().splitlines()[-1])
    assert written[0] == written[2] != written[1]
    folders = {path.parent for path in vqvae.parent.glob("vqvae-evaluation/*/figures.json")}
    assert {str(folder) in line for folder in folders for line in written} == {True, False}
    run = ["evaluate", str(vqvae.parent), str(data), "--features", "none"]
    assert main(run) == 0 and list(vqvae.parent.glob("evaluation/*/clips.png"))


def test_what_evaluate_cannot_do_is_one_line(vqvae, data, tmp_path, capsys):
    command = ["evaluate", vqvae, data]
    for options, words in {
        ("--protocol", "videogpt"): ("needs 256 held-out clips; there are 4", "--count"),
        ("--count", "5"): ("needs 5 held-out clips; there are 4",),
        ("--count", "1"): ("--count must be at least 2",),
        ("--clips", "0"): ("--clips must be at least 1",),
        ("--count", "2", "--protocol", "tats"): ("give one of them",),
        ("--count", "2", "--features", "i3d"): ("at least 9 frames; got 4",),
        ("--c3d", tmp_path / "c3d.npz", "--top-k", "5"): ("--top-k and --c3d", "is a tokenizer"),
        ("--i3d", "x.pt", "--features", "random"): ("--i3d is for --features i3d",),
        ("--c3d-mean", tmp_path / "mean2.npz"): ("--c3d-mean is for --c3d",),
        ("--lpips", "squeeze", "x.pth"): ("net must be one of", "squeeze"),
        ("--out", data): ("other files",),
    }.items():
        fails_in_one_line(capsys, [*command, *options], *words)


def test_wrong_input_is_one_line_and_status_2(prior, vqvae, data, tmp_path, capsys):
    out = tmp_path / "out.gif"
    missing, text, empty = tmp_path / "no.keras", tmp_path / "text.keras", tmp_path / "empty"
    text.write_text("not a model")
    empty.mkdir()
    fails_in_one_line(capsys, ["sample", missing, "--out", out], "no model file", "no.keras")
    fails_in_one_line(capsys, ["sample", text, "--out", out], "text.keras", "not a Keras model")
    fails_in_one_line(capsys, ["sample", vqvae, "--out", out], "is a VQVAE")
    for command in (["encode", data, "--tokenizer", vqvae], ["data", "pushing", "--episodes", 1]):
        fails_in_one_line(capsys, [*command, "--out", text], "text.keras' is a file", "a folder")
    fails_in_one_line(capsys, ["sample", prior, "--out", out, "-n", 0], "n must be a positive")
    fails_in_one_line(capsys, ["sample", prior, "--out", tmp_path / "out.txt"], "out.txt")
    fails_in_one_line(capsys, ["reconstruct", vqvae, empty, "--out", out], "empty")
    fails_in_one_line(capsys, ["evaluate", vqvae, tmp_path / "nowhere"], "nowhere")
    for kind in ("vqvae", "prior"):
        extra = ["--tokenizer", vqvae] if kind == "prior" else []
        command = ["train", kind, empty, "--out", tmp_path / "run", "--preset", "demo", *extra]
        fails_in_one_line(capsys, command, "empty")
    command = ["train", "prior", data, "--out", tmp_path / "run", "--tokenizer", prior]
    fails_in_one_line(capsys, command, "--tokenizer must be a VQVAE")
    assert not out.exists() and not (tmp_path / "run").exists()
