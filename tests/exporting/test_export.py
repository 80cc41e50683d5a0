"""Folders of exports: what is in them, and what is refused before anything is written."""

import argparse
import json

import keras
import pytest
from checks import small_gpt, small_vqvae

from keras_videogpt.backend import BACKENDS
from keras_videogpt.commands import export as command
from keras_videogpt.exporting.export import export
from keras_videogpt.exporting.own_process import export_in_own_process
from keras_videogpt.new_folder import new_folder


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae(axial_attention=False)


def other_backend() -> str:
    return "torch" if keras.backend.backend() == "tensorflow" else "tensorflow"


def test_a_format_of_another_backend_is_written_in_a_process_of_its_own(vqvae, tmp_path, capsys):
    format = {"torch": "torch", "tensorflow": "litert"}[other_backend()]
    written = export(vqvae, tmp_path / "out", format)
    assert f"The format {format} needs the backend {other_backend()}" in capsys.readouterr().out
    suffix = {"torch": "pt2", "litert": "tflite"}[format]
    names = [f"decoder.{suffix}", f"encoder.{suffix}", "export.json"]
    assert written == [tmp_path / "out" / name for name in names]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    description = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (description["model"], description["format"]) == ("VQVAE", format)
    assert description["codes_shape"] == [2, 4, 4] and description["num_codes"] == 32
    assert description["functions"]["encoder"] == {
        "file": f"encoder.{suffix}",
        "inputs": {"video": {"shape": ["batch", 4, 16, 16, 3], "dtype": "uint8"}},
        "outputs": {"codes": {"shape": ["batch", 2, 4, 4], "dtype": "int32"}},
    }
    assert description[other_backend()] and "conditions" not in description


def test_what_fails_in_the_other_process_is_the_same_error_here(tmp_path):
    (tmp_path / "model.keras").write_text("not a model")
    with pytest.raises(ValueError, match="is not a Keras model file") as caught:
        export_in_own_process(
            other_backend(), tmp_path / "model.keras", tmp_path / "out", format="litert"
        )
    assert "Traceback" in caught.value.__notes__[0] and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "model, options, words",
    [
        ("vqvae", {"format": "caffe"}, "format must be one of tf_saved_model, onnx.*'caffe'"),
        ("keras", {}, "model must be a VQVAE, a VideoGPT or the path of one; got Sequential"),
        ("vqvae", {"format": "litert", "top_k": 1}, "top_k can be fixed in a tf_saved_model alone"),
        ("vqvae", {"format": "litert", "jit_compile": True}, "jit_compile can be fixed"),
        ("vqvae", {"batch_size": 2}, "a tf_saved_model takes any number of clips"),
        ("vqvae", {"format": "litert", "batch_size": 0}, "batch_size"),
    ],
)
def test_wrong_arguments_are_refused_at_the_door(vqvae, tmp_path, model, options, words):
    model = {"vqvae": vqvae, "keras": keras.Sequential()}[model]
    with pytest.raises(ValueError, match=words):
        export(model, tmp_path / "out", **options)
    assert not any(tmp_path.iterdir())


def test_a_folder_with_files_is_kept(vqvae, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "export.json").write_text("{}")
    with pytest.raises(FileExistsError, match="--overwrite"):
        export(vqvae, tmp_path / "old", "torch")
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "1.png").write_text("dear")
    with pytest.raises(ValueError, match="holds other files"):
        export(vqvae, tmp_path / "photographs", "torch", overwrite=True)
    with pytest.raises(ValueError, match="is a file"):
        export(vqvae, tmp_path / "photographs" / "1.png", "torch", overwrite=True)
    assert (tmp_path / "photographs" / "1.png").read_text() == "dear"


def test_a_folder_is_replaced_when_the_new_one_is_complete(tmp_path):
    folder = tmp_path / "out"
    for text in ("old", "new"):
        with new_folder(folder, overwrite=True, mark="mark") as unfinished:
            (unfinished / "mark").write_text(text)
            assert text == "old" or (folder / "mark").read_text() == "old"
        assert (folder / "mark").read_text() == text
    with pytest.raises(RuntimeError), new_folder(folder, overwrite=True, mark="mark") as unfinished:
        (unfinished / "mark").write_text("half")
        raise RuntimeError
    with pytest.raises(ValueError, match="holds other files"):
        with new_folder(tmp_path / "meanwhile", overwrite=False, mark="mark"):
            (tmp_path / "meanwhile").mkdir()
            (tmp_path / "meanwhile" / "precious.txt").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["meanwhile", "out"]
    assert (folder / "mark").read_text() == "new"
    assert (tmp_path / "meanwhile" / "precious.txt").exists()


def test_what_is_not_installed_is_named_with_its_remedy(vqvae, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "keras_videogpt\[torch\]"'):
        export(vqvae, tmp_path / "out", "torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in BACKENDS else None)
    with pytest.raises(ImportError, match=r'onnx and tf2onnx.*"keras_videogpt\[export\]"'):
        export(vqvae, tmp_path / "out", "onnx")


def test_the_command_prints_what_it_wrote(tmp_path, capsys):
    format = "torch" if keras.backend.backend() == "torch" else "litert"
    if keras.backend.backend() == "jax":
        pytest.skip("another process is tested above")
    gpt = small_gpt(small_vqvae(axial_attention=False), num_layers=1, num_classes=3)
    gpt.save(tmp_path / "gpt.keras")
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    words = [str(tmp_path / "gpt.keras"), str(tmp_path / "out"), "--format", format]
    args = parser.parse_args(["export", *words])
    args.run(args)
    lines = capsys.readouterr().out.strip().splitlines()
    written = sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert lines[-5:] == written and "Wrote 5 files" in lines[-6]
    description = json.loads((tmp_path / "out" / "export.json").read_text())
    assert description["conditions"] == {"labels": "3 classes"}
    step = description["functions"]["prior_step"]
    assert step["inputs"]["position"] == {"shape": [], "dtype": "int32"}
    assert step["inputs"]["cache"] == step["outputs"]["next_cache"]
    assert step["inputs"]["gains_and_biases"]["shape"] == ["batch", 6, 20]
    assert any("prior_step" in text for text in description["usage"])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="written on tensorflow")
def test_a_saved_model_is_described_by_its_signatures(vqvae, tmp_path):
    with pytest.raises(ValueError, match="top_k are of sampling; a VQVAE does not sample"):
        export(vqvae, tmp_path / "out", top_k=1)
    written = export(vqvae, tmp_path / "out")
    assert tmp_path / "out" / "saved_model.pb" in written
    functions = json.loads((tmp_path / "out" / "export.json").read_text())["functions"]
    assert {"encode", "decode", "reconstruct"} < functions.keys()
    assert functions["decode"] == {
        "inputs": {"codes": {"shape": ["batch", 2, 4, 4], "dtype": "int32"}},
        "outputs": {"video": {"shape": ["batch", 4, 16, 16, 3], "dtype": "float32"}},
    }
