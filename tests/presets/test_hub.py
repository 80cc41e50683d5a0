"""Presets on hubs, whose clients are replaced: what they are asked for, and what they return."""

import inspect
import sys
import types

import pytest
from checks import small_gpt, small_vqvae
from cli_runs import fails_in_one_line

import keras_videogpt as kvg
from keras_videogpt.presets.preset_folder import FILES


@pytest.fixture
def folder(tmp_path):
    return small_gpt(small_vqvae()).save_to_preset(tmp_path / "preset", trained_on="nothing")


def fake(monkeypatch, module, name, answer):
    """Puts a client in the place of a real one; returns the arguments it is called with."""
    calls = []

    def function(**arguments):
        calls.append(arguments)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**{name: function}))
    return calls


def test_hugging_face(folder, monkeypatch):
    calls = fake(monkeypatch, "huggingface_hub", "snapshot_download", folder)
    assert type(kvg.load("hf://user/my-model")) is kvg.VideoGPT
    assert type(kvg.VQVAE.from_preset("hf://user/my-model@refs/pr/1")) is kvg.VQVAE
    asked = {"repo_id": "user/my-model", "allow_patterns": list(FILES)}
    assert calls == [{**asked, "revision": None}, {**asked, "revision": "refs/pr/1"}]


def test_hugging_face_s_cache_has_links_to_its_blobs(folder, tmp_path, monkeypatch):
    snapshot = tmp_path / "hub" / "models--user--model" / "snapshots" / "0123"
    blobs = snapshot.parents[1] / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for name in FILES:
        (folder / name).rename(blobs / name)
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    fake(monkeypatch, "huggingface_hub", "snapshot_download", snapshot)
    assert type(kvg.load("hf://user/model")) is kvg.VideoGPT
    (blobs / FILES[0]).rename(tmp_path / "outside")
    (snapshot / FILES[0]).unlink()
    (snapshot / FILES[0]).symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="leads out of its preset"):
        kvg.load("hf://user/model")


def test_kaggle(folder, monkeypatch):
    calls = fake(monkeypatch, "kagglehub", "model_download", folder)
    assert type(kvg.load("kaggle://user/model/keras/small")) is kvg.VideoGPT
    assert type(kvg.VideoGPT.from_preset("kaggle://user/model/keras/small/3")) is kvg.VideoGPT
    handles = ["user/model/keras/small", "user/model/keras/small/3"]
    assert calls == [{"handle": handle} for handle in handles]


@pytest.mark.parametrize(
    "address", ["hf://model", "hf://a/b/c", "hf://a/b@", "kaggle://user/model", "hf://a/b c"]
)
def test_an_address_of_another_form_is_refused(address, capsys):
    with pytest.raises(ValueError, match="must be hf://user/repository"):
        kvg.load(address)
    fails_in_one_line(capsys, ["sample", address, "--out", "x.npz"], "must be hf://", address)


@pytest.mark.parametrize(
    "address, module",
    [("hf://user/model", "huggingface_hub"), ("kaggle://user/model/keras/small", "kagglehub")],
)
def test_a_missing_client_says_how_to_get_it(address, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"`{module}`.*pip install \"keras_videogpt\[hub\]\""):
        kvg.load(address)


def test_what_cannot_be_downloaded_is_named(monkeypatch):
    fake(monkeypatch, "huggingface_hub", "snapshot_download", RuntimeError("401\n\nno such repo"))
    with pytest.raises(OSError, match="hf://user/model could not be downloaded: 401 no such repo"):
        kvg.load("hf://user/model")


@pytest.mark.parametrize(
    "module, name, arguments",
    [
        ("huggingface_hub", "snapshot_download", ("repo_id", "revision", "allow_patterns")),
        ("kagglehub", "model_download", ("handle",)),
    ],
)
def test_the_real_clients_take_these_arguments(module, name, arguments):
    client = pytest.importorskip(module, reason="needs the hub extra")
    inspect.signature(getattr(client, name)).bind(**dict.fromkeys(arguments, "x"))
