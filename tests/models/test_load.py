import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae

import keras_videogpt as kvg


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    vqvae = small_vqvae()
    vqvae.save(folder / "vqvae.keras")
    small_gpt(vqvae).save(folder / "videogpt.keras")
    return folder


def test_a_file_loads_as_the_class_it_was_saved_as(files):
    assert type(kvg.load(files / "vqvae.keras")) is kvg.VQVAE
    assert type(kvg.load(str(files / "videogpt.keras"))) is kvg.VideoGPT


def test_a_run_folder_loads_the_model_in_it(files, tmp_path):
    shutil.copy(files / "vqvae.keras", tmp_path)
    assert type(kvg.load(tmp_path)) is kvg.VQVAE
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="neither videogpt.keras nor vqvae.keras"):
        kvg.load(tmp_path / "empty")


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model file .*nothing.keras"):
        kvg.load(tmp_path / "nothing.keras")


def test_a_file_of_another_kind_is_an_error(tmp_path):
    (tmp_path / "notes.keras").write_text("not a model")
    with pytest.raises(ValueError, match="notes.keras is not a Keras model file"):
        kvg.load(tmp_path / "notes.keras")
    np.savez(tmp_path / "zip.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="zip.npz could not be loaded as a Keras model"):
        kvg.load(tmp_path / "zip.npz")


def test_another_model_is_an_error_that_says_what_it_is(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential, and not a VQVAE or a VideoGPT"):
        kvg.load(tmp_path / "other.keras")


def test_models_of_mixed_precision_load_as_such(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    vqvae = small_vqvae()
    gpt = small_gpt(vqvae)
    keras.config.set_dtype_policy("float32")
    for model, name in ((vqvae, "pre_quantization"), (gpt, "embed")):
        model.save(tmp_path / "model.keras")
        loaded = kvg.load(tmp_path / "model.keras")
        assert loaded.get_layer(name).dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "RMSprop", "AdamW"])
def test_an_optimizer_saved_on_torch_is_that_of_this_backend(tmp_path, optimizer):
    vqvae = small_vqvae()
    vqvae.compile(optimizer=getattr(keras.optimizers, optimizer)(3e-3))
    vqvae.save(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "x.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    module = f"keras.src.backend.torch.optimizers.torch_{optimizer.lower()}"
    config["compile_config"]["optimizer"] |= {"module": module, "registered_name": optimizer}
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        for name, data in {**members, "config.json": json.dumps(config)}.items():
            archive.writestr(name, data)
    loaded = kvg.load(tmp_path / "x.keras").optimizer
    assert type(loaded) is type(vqvae.optimizer)
    assert float(loaded.learning_rate) == pytest.approx(3e-3)
