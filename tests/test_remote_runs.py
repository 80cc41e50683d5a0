"""Training runs in a remote folder: the same commands, the same numbers."""

import json
import tempfile

import pytest
from checks import assert_same_weights, weights_of
from cli_runs import fails_in_one_line, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.cli import main
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.run_mirror import RunMirror

upath = pytest.importorskip("upath", reason="the extra `remote` is not installed")
RUN = "memory://bucket/runs/vqvae"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The remote run folder; local copies go to `tmp_path / "mirrors"`."""
    (tmp_path / "mirrors").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "mirrors"))
    yield upath.UPath(RUN)
    memory = upath.UPath("memory://").fs
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    "command",
    [
        ["encode", "videos", "--tokenizer", "vqvae.keras"],
        ["data", "pushing", "--episodes", "1"],
        ["data", "prepare", "moving_mnist", "--videos", "2"],
    ],
)
def test_folders_of_many_files_must_be_on_this_machine(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = "--out must be on this machine; got memory://bucket/x"
    fails_in_one_line(capsys, [*command, "--out", "memory://bucket/x"], words)
    assert not any(tmp_path.iterdir())


def test_file_urls_are_paths_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = []
    monkeypatch.setattr(
        "keras_videogpt.commands.data.record_pushing", lambda out, **_: written.append(out)
    )
    assert main(["data", "pushing", "--out", (tmp_path / "robots").as_uri()]) == 0
    assert written == [str(tmp_path / "robots")]


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_a_remote_run_is_what_a_local_one_is_also_when_interrupted(
    data, folder, tmp_path, monkeypatch, capsys
):
    assert train_vqvae(data, tmp_path / "local") == 0
    original = RunCheckpoint.on_train_batch_end

    def stopping(callback, batch, logs=None):
        original(callback, batch, logs)
        if callback.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunCheckpoint, "on_train_batch_end", stopping)
    assert train_vqvae(data, RUN) == 1
    assert names(folder / "checkpoints") == ["step-00000002.keras"]
    monkeypatch.setattr(RunCheckpoint, "on_train_batch_end", original)
    capsys.readouterr()
    assert train_vqvae(data, RUN) == 0
    printed = capsys.readouterr().out
    assert (
        f"Going on with {RUN} at step 2 of 6" in printed and f"Wrote {RUN}/vqvae.keras" in printed
    )
    assert list((tmp_path / "mirrors").iterdir()) == []
    local = [name for name in names(tmp_path / "local") if not name.startswith("logs")]
    remote = names(folder)
    assert [name for name in remote if not name.startswith("logs")] == local
    assert any(name.startswith("logs") for name in remote)
    assert_same_weights(weights_of(kvg.load(RUN)), weights_of(kvg.load(tmp_path / "local")), 1e-6)
    assert train_vqvae(data, RUN) == 0
    assert f"{RUN} has all its 6 steps" in capsys.readouterr().out
    assert list((tmp_path / "mirrors").iterdir()) == []
    assert train_vqvae(data, RUN, "--batch-size 3") == 2
    assert f"{RUN} holds a run with another configuration" in capsys.readouterr().err
    out = "memory://bucket/reconstruction.gif"
    assert main(["reconstruct", RUN, str(data), "--out", out, "-n", "1"]) == 0
    assert upath.UPath(out).read_bytes().startswith(b"GIF")


def test_what_could_not_be_sent_is_kept_and_named(folder, monkeypatch):
    run = RunFolder(RUN, {"kind": "vqvae"}, "vqvae")
    assert json.loads((folder / "config.json").read_text()) == {"kind": "vqvae"}
    (run.folder / "notes.txt").write_text("earned")

    def refuse(file, path):
        raise ConnectionError("no network")

    with monkeypatch.context() as broken:
        broken.setattr("keras_videogpt.training.run_mirror.upload", refuse)
        with pytest.warns(UserWarning, match="no network"):
            run.upload()
        with pytest.warns(UserWarning), pytest.raises(OSError, match=str(run.folder)):
            run.close()
    assert (run.folder / "notes.txt").read_text() == "earned"
    run.close()
    assert (folder / "notes.txt").read_text() == "earned" and not run.folder.exists()


def test_old_checkpoints_go_once_the_new_one_is_there(folder):
    for step in (2, 4):
        (folder / "checkpoints" / f"step-{step:08d}.keras").write_text(str(step))
    mirror = RunMirror(folder)
    checkpoints = mirror.folder / "checkpoints"
    assert (checkpoints / "step-00000004.keras").read_text() == "4"
    (checkpoints / "step-00000006.keras").write_text("6")
    (checkpoints / "step-00000002.keras").unlink()
    mirror.upload()
    assert names(folder / "checkpoints") == ["step-00000004.keras", "step-00000006.keras"]
    mirror.close()


def test_a_remote_folder_of_something_else_is_refused(data, folder, capsys):
    (folder / "notes.txt").write_text("mine")
    assert train_vqvae(data, RUN) == 2
    assert "is not empty and holds no run" in capsys.readouterr().err
    assert names(folder) == ["notes.txt"]
