"""`keras-videogpt train`: what a run folder holds, and how a run goes on."""

import json
import shutil

import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from cli_runs import train_prior, train_vqvae, write_data
from PIL import Image

import keras_videogpt as kvg
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def vqvae_run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    assert train_vqvae(data, folder) == 0
    return folder


@pytest.fixture(scope="module")
def prior_run(data, vqvae_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "prior"
    assert train_prior(data, vqvae_run / "vqvae.keras", folder) == 0
    return folder


@pytest.fixture
def stop_at(monkeypatch):
    """Has training stop at a step, as by Ctrl-C."""

    def arrange(step):
        original = RunCheckpoint.on_train_batch_end

        def stopping(callback, batch, logs=None):
            original(callback, batch, logs)
            if callback.step == step:
                raise KeyboardInterrupt

        monkeypatch.setattr(RunCheckpoint, "on_train_batch_end", stopping)
        return lambda: monkeypatch.setattr(RunCheckpoint, "on_train_batch_end", original)

    return arrange


def steps_kept(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


@pytest.mark.parametrize(
    "fixture, model, pictures",
    [("vqvae_run", "vqvae", "reconstructions"), ("prior_run", "videogpt", "samples")],
)
def test_a_run_folder_holds_what_the_run_made(fixture, model, pictures, request):
    folder = request.getfixturevalue(fixture)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [
            "checkpoints",
            "config.json",
            "logs",
            "losses.json",
            f"{model}.keras",
            pictures,
            "status.json",
        ]
    )
    losses = json.loads((folder / "losses.json").read_text())
    kept = sorted({4, 6, int(min(losses, key=losses.get))})  # the newest two and the best
    assert steps_kept(folder) == [f"step-{step:08d}.keras" for step in kept]
    config = json.loads((folder / "config.json").read_text())
    assert (config["steps"], config["save_every"], config["batch_size"]) == (6, 2, 2)
    (events,) = (folder / "logs" / "train").iterdir()
    assert "tfevents" in events.name and events.stat().st_size > 1000
    gifs = sorted((folder / pictures).iterdir())
    assert [gif.name for gif in gifs] == [f"step-0000000{step}.gif" for step in (2, 4, 6)]
    with Image.open(gifs[-1]) as picture:
        assert picture.format == "GIF" and picture.width >= 34
    newest = kvg.load(folder / "checkpoints" / "step-00000006.keras")
    assert int(newest.optimizer.iterations) == 6
    assert_same_weights(weights_of(kvg.load(folder)), weights_of(newest))


def test_the_variance_is_measured_on_the_training_videos(vqvae_run, data):
    clips = kvg.data.Clips(kvg.data.open_videos(data, "train"), 4, 16, flip=True)
    model = kvg.load(vqvae_run)
    assert float(model.measured_variance) == pytest.approx(clips.variance(), rel=1e-5)


def test_an_interrupted_tokenizer_ends_as_one_never_interrupted(
    data, vqvae_run, tmp_path, stop_at, capsys
):
    folder = tmp_path / "run"
    resume = stop_at(3)
    assert train_vqvae(data, folder) == 1
    assert "stopped" in capsys.readouterr().err
    assert steps_kept(folder) == ["step-00000002.keras"]
    resume()
    assert train_vqvae(data, folder) == 0
    assert f"Going on with {folder} at step 2 of 6" in capsys.readouterr().out
    assert_same_weights(weights_of(kvg.load(folder)), weights_of(kvg.load(vqvae_run)), 1e-6)


def test_an_interrupted_prior_ends_as_one_never_interrupted(
    data, vqvae_run, prior_run, tmp_path, stop_at, capsys
):
    folder, tokenizer = tmp_path / "run", vqvae_run / "vqvae.keras"
    resume = stop_at(5)
    assert train_prior(data, tokenizer, folder) == 1
    assert steps_kept(folder) == ["step-00000002.keras", "step-00000004.keras"]
    resume()
    assert train_prior(data, tokenizer, folder) == 0
    assert f"Going on with {folder} at step 4 of 6" in capsys.readouterr().out
    assert_same_weights(weights_of(kvg.load(folder)), weights_of(kvg.load(prior_run)), 1e-6)


def test_augmentations_by_name_change_the_training_and_belong_to_the_run(
    data, vqvae_run, tmp_path, capsys
):
    folder = tmp_path / "run"
    assert train_vqvae(data, folder, "--augment zoom brightness") == 0
    assert json.loads((folder / "config.json").read_text())["augment"] == ["zoom", "brightness"]
    one, other = (weights_of(kvg.load(run)) for run in (folder, vqvae_run))
    assert any((a != b).any() for a, b in zip(one, other, strict=True))
    assert train_vqvae(data, folder) == 2
    assert "augment is ['zoom', 'brightness'] there and None here" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        train_vqvae(data, tmp_path / "other", "--augment mirror")
    assert "invalid choice: 'mirror'" in capsys.readouterr().err


def test_a_finished_run_stays_as_it_is(data, vqvae_run, capsys):
    before = weights_of(kvg.load(vqvae_run))
    assert train_vqvae(data, vqvae_run) == 0
    assert "has all its 6 steps" in capsys.readouterr().out
    assert_same_weights(weights_of(kvg.load(vqvae_run)), before)


def test_another_configuration_in_the_same_folder_is_named_and_refused(
    data, vqvae_run, prior_run, tmp_path, capsys
):
    for run in (vqvae_run, prior_run):
        before = (run / "config.json").read_text()
        capsys.readouterr()
        if run is vqvae_run:
            status = train_vqvae(data, run, "--steps 8 --batch-size 3")
        else:
            other = tmp_path / "other.keras"
            model = kvg.load(vqvae_run)
            model.quantizer.codebook.assign(np.zeros((1, 32, 8), "float32"))
            model.save(other)
            status = train_prior(data, other, run, "--steps 8 --batch-size 3")
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("keras-video")]
        assert status == 2 and (run / "config.json").read_text() == before
        assert "batch_size is 2 there and 3 here" in line and "steps is 6 there and 8 here" in line
        assert ("tokenizer is" in line) == (run is prior_run)


def test_a_folder_of_something_else_is_refused(data, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert train_vqvae(data, tmp_path) == 2
    assert "is not empty and holds no run" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_checkpoint_cut_short_while_it_was_written_is_passed_over(vqvae_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(vqvae_run, folder)
    (folder / "checkpoints" / "step-00000006.keras").unlink()
    (folder / "checkpoints" / ".writing-step-00000006.keras").write_bytes(b"half")
    run = RunFolder(folder, json.loads((folder / "config.json").read_text()), "vqvae")
    assert run.latest_step() == 4 and int(run.load_latest().optimizer.iterations) == 4


def test_a_diverged_run_stops_with_one_line_and_saves_nothing_of_it(data, tmp_path, capsys):
    folder = tmp_path / "vqvae"
    assert train_vqvae(data, folder, "--learning-rate 1e30") == 1
    assert "try a lower --learning-rate" in capsys.readouterr().err
    assert steps_kept(folder) == []
