"""Models of presets: folders that are written and read, and names that come with the package."""

import dataclasses
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from checks import assert_same_weights, random_codes, randomize, small_gpt, small_vqvae, weights_of
from cli_runs import fails_in_one_line

import keras_videogpt as kvg
from keras_videogpt import presets
from keras_videogpt.presets.preset_folder import CONFIG, FILES, METADATA, WEIGHTS

BACKENDS = ("tensorflow", "jax", "torch")
OTHER = BACKENDS[(BACKENDS.index(keras.backend.backend()) + 1) % 3]


@pytest.fixture(scope="module")
def trained(videos):
    """A prior with an optimizer that has made steps, on a tokenizer that has learnt."""
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=8, verbose=0)
    gpt = small_gpt(vqvae, dropout=0.1)
    gpt.fit(videos, batch_size=8, verbose=0)
    randomize(gpt)
    return gpt


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    return trained.save_to_preset(
        tmp_path_factory.mktemp("presets") / "small",
        trained_on="moving colours",
        description="small",
        recipe="train it",
        figures={"bits": 3.5},
    )


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the preset, to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")


def test_a_preset_is_weights_config_and_metadata(trained, folder):
    assert {path.name for path in folder.iterdir()} == set(FILES)
    metadata = json.loads((folder / METADATA).read_text())
    assert metadata["class"] == "VideoGPT" and metadata["parameters"] == trained.count_params()
    assert metadata["versions"] == {"keras": keras.__version__, "keras_videogpt": kvg.__version__}
    said = {key: metadata[key] for key in ("trained_on", "description", "recipe", "figures")}
    assert list(said.values()) == ["moving colours", "small", "train it", {"bits": 3.5}]
    for name in (CONFIG, WEIGHTS):
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert metadata["sha256"][name] == found
    # Adam keeps two more numbers for each that is trained.
    trained.save_weights(folder.parent / "all.weights.h5")
    size = (folder / WEIGHTS).stat().st_size
    trainable = sum(int(np.prod(weight.shape)) for weight in trained.trainable_weights)
    assert size < (folder.parent / "all.weights.h5").stat().st_size - 2 * 4 * trainable
    assert b"optimizer" not in (folder / WEIGHTS).read_bytes()


def test_a_preset_loads_as_the_model_it_was(trained, folder):
    for model in (kvg.VideoGPT.from_preset(folder), kvg.load(str(folder))):
        assert type(model) is kvg.VideoGPT and not model.compiled
        assert model.get_config() == trained.get_config()
        assert_same_weights(weights_of(model), weights_of(trained))
        assert not model.tokenizer.trainable
    codes = random_codes(trained)
    np.testing.assert_array_equal(model.logits(codes), trained.logits(codes))


def test_the_tokenizer_of_a_prior_is_its_vqvae(trained, folder):
    tokenizer = kvg.VQVAE.from_preset(folder)
    assert type(tokenizer) is kvg.VQVAE and tokenizer.trainable
    assert_same_weights(tokenizer.get_weights(), trained.tokenizer.get_weights())
    assert float(keras.ops.convert_to_numpy(tokenizer.quantizer.initialized)) == 1
    assert kvg.VQVAE.from_preset(folder, trainable=False).trainable_weights == []


def test_a_vqvae_is_no_prior(trained, tmp_path):
    preset = trained.tokenizer.save_to_preset(tmp_path / "vqvae", trained_on="colours")
    assert type(kvg.load(preset)) is kvg.VQVAE
    with pytest.raises(ValueError, match="vqvae is a VQVAE, and not a VideoGPT"):
        kvg.VideoGPT.from_preset(preset)


def test_arguments_can_be_changed(trained, folder):
    gpt = kvg.VideoGPT.from_preset(folder, dropout=0.0, dtype="mixed_bfloat16")
    assert gpt.dropout == 0 and gpt.embed.dtype_policy.name == "mixed_bfloat16"
    assert_same_weights(gpt.get_weights(), trained.get_weights())
    with pytest.raises(ValueError, match="num_layers can't be changed where weights are loaded"):
        kvg.VideoGPT.from_preset(folder, num_layers=1)
    with pytest.raises(ValueError, match="VideoGPT has no argument layers; it has .*num_layers"):
        kvg.VideoGPT.from_preset(folder, layers=1)
    with pytest.raises(ValueError, match="tokenizer can't be replaced"):
        kvg.VideoGPT.from_preset(folder, tokenizer=trained.tokenizer)
    other = small_vqvae(num_codes=8)
    gpt = kvg.VideoGPT.from_preset(folder, load_weights=False, tokenizer=other, num_layers=1)
    assert gpt.tokenizer.num_codes == 8 and gpt.num_layers == 1
    assert_same_weights(gpt.tokenizer.get_weights(), other.get_weights())


def test_without_weights_their_file_is_not_needed(copy):
    (copy / WEIGHTS).unlink()
    gpt = kvg.VideoGPT.from_preset(copy, load_weights=False)
    assert not np.any(gpt.unembed.get_weights())  # zeros before training
    with pytest.raises(FileNotFoundError, match="has no file model.weights.h5"):
        kvg.VideoGPT.from_preset(copy)


def test_what_is_there_is_not_overwritten(trained, folder):
    before = (folder / METADATA).read_bytes()
    with pytest.raises(FileExistsError, match="small is there already"):
        trained.save_to_preset(folder, trained_on="something else")
    assert (folder / METADATA).read_bytes() == before
    assert not list(folder.parent.glob(".writing-*"))


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_with_another_hash_is_named_with_both(copy, name, monkeypatch):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    expected = json.loads((copy / METADATA).read_text())["sha256"][name]
    found = hashlib.sha256(data).hexdigest()
    opened = []
    monkeypatch.setattr("h5py.File", lambda *arguments, **_: opened.append(arguments))
    with pytest.raises(ValueError, match=f"{name} is damaged.*sha256 is {found}.* has {expected}"):
        kvg.load(copy)
    assert not opened


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_one_clear_line(copy, name, capsys):
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    sample = ["sample", copy, "--out", copy / "clips.npz"]
    fails_in_one_line(capsys, sample, str(copy), name, "damaged")


def change(folder, name, edit):
    """Edits a JSON file of a preset, and puts its new hash in the metadata."""
    value = json.loads((folder / name).read_text())
    edit(value)
    (folder / name).write_text(json.dumps(value))
    if name == CONFIG:
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        change(folder, METADATA, lambda metadata: metadata["sha256"].update({CONFIG: found}))


@pytest.mark.parametrize(
    "name, edit, message",
    [
        (METADATA, lambda m: m["sha256"].update({"../../x": "0"}), "of nothing else.*'../../x'"),
        (METADATA, lambda m: m.update(sha256=None), "it has that of nothing"),
        (METADATA, lambda m: m.update(format=2), "has format 2; .* reads format 1"),
        (
            METADATA,
            lambda m: m.update({"class": "VQVAE"}),
            "has the class 'VQVAE', and config.json",
        ),
        (CONFIG, lambda c: c.update(registered_name="a>B", class_name="B"), "holds a B, and not"),
        (CONFIG, lambda c: c["config"].update(num_layers=3), "are another model's: transformer_bl"),
    ],
)
def test_a_hostile_or_wrong_file_is_refused(copy, name, edit, message):
    change(copy, name, edit)
    with pytest.raises(ValueError, match=message):
        kvg.load(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_link_out_of_the_folder_is_refused(copy, tmp_path, name):
    shutil.move(copy / name, tmp_path / "outside")
    (copy / name).symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match=f"{name} is a link that leads out of its preset"):
        kvg.load(copy)
    (copy / name).unlink()
    shutil.move(tmp_path / "outside", copy / "inside")
    (copy / name).symlink_to("inside")
    assert type(kvg.load(copy)) is kvg.VideoGPT


def test_weights_of_this_backend_load_on_another(trained, folder, tmp_path):
    if importlib.util.find_spec(OTHER) is None:
        pytest.skip(f"{OTHER} is not installed")
    codes = random_codes(trained)
    np.save(tmp_path / "codes.npy", codes)
    script = (
        "import sys, numpy as np, keras_videogpt as kvg\n"
        "preset, folder = sys.argv[1:]\n"
        "gpt = kvg.VideoGPT.from_preset(preset)\n"
        "codes = np.load(folder + '/codes.npy')\n"
        "np.savez(folder + '/out.npz', logits=gpt.logits(codes), video=gpt.tokenizer.decode(codes),"
        " **{str(i): weight for i, weight in enumerate(gpt.get_weights())})\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, folder, tmp_path],
        env={**os.environ, "KERAS_BACKEND": OTHER, "TF_CPP_MIN_LOG_LEVEL": "2"},
        check=True,
    )
    out = dict(np.load(tmp_path / "out.npz"))
    for name, expected in (
        ("logits", trained.logits(codes)),
        ("video", trained.tokenizer.decode(codes)),
    ):
        np.testing.assert_allclose(out.pop(name), expected, atol=1e-4 * np.abs(expected).max())
    assert_same_weights([out[str(i)] for i in range(len(out))], weights_of(trained))


def test_the_shipped_preset_is_a_trained_model():
    (preset,) = [one for one in presets.available() if one.trained_on]
    assert preset.name == "vizdoom_small" and preset.size < 8e6
    gpt = kvg.load("vizdoom_small")
    assert type(gpt) is kvg.VideoGPT and gpt.count_params() == preset.parameters
    # The start of two recorded episodes that it was not trained on: codes, and every fifth frame.
    held_out = np.load(Path(__file__).parent / "vizdoom_held_out.npz")
    figures = json.loads((presets.built_in.trained_folder("vizdoom_small") / METADATA).read_text())
    bits = gpt.bits_per_dim(held_out["codes"].astype("int32"))
    # Two of the 72 clips that were measured; an untrained one has 9 bits, and 12 dB.
    assert bits.mean() == pytest.approx(figures["figures"]["bits per code of the prior"], abs=1)
    video = kvg.layers.to_uint8(gpt.tokenizer.decode(held_out["codes"].astype("int32")))
    psnr = kvg.metrics.psnr(held_out["frames"], video[:, ::5]).mean()
    assert psnr == pytest.approx(figures["figures"]["PSNR (dB)"], abs=2)


def test_an_untrained_preset_says_that_it_has_no_weights(capsys, tmp_path):
    for load in (kvg.load, kvg.VideoGPT.from_preset):
        with pytest.raises(ValueError, match="moving_mnist has settings and no trained weights"):
            load("moving_mnist")
    sample = ["sample", "moving_mnist", "--out", tmp_path / "clips.npz"]
    fails_in_one_line(capsys, sample, "no trained weights", "load_weights=False")
    vqvae = kvg.VQVAE.from_preset("demo", load_weights=False, data_variance=0.01)
    assert vqvae.num_codes == 512 and vqvae.data_variance == 0.01
    small = {"num_layers": 1, "hidden_dim": 16}
    gpt = kvg.VideoGPT.from_preset("demo", load_weights=False, **small)
    assert gpt.codes_shape == vqvae.codes_shape and gpt.num_heads == 4
    options = {"tokenizer": small_vqvae(), "frame_cond": 0, **small}
    gpt = kvg.VideoGPT.from_preset("bair", load_weights=False, **options)
    assert gpt.tokenizer.num_codes == 32 and gpt.frame_cond == 0
    with pytest.raises(ValueError, match="paper_tgif is a VideoGPT, and not a VQVAE"):
        kvg.VQVAE.from_preset("paper_tgif", load_weights=False)


def test_a_name_that_is_none_lists_what_there_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="no preset kinetics.*vizdoom_small"):
        kvg.VQVAE.from_preset("kinetics")
    with pytest.raises(FileNotFoundError, match="has no file metadata.json"):
        kvg.VQVAE.from_preset(tmp_path)


def test_a_folder_goes_before_a_preset_of_its_name(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "vizdoom_small")
    monkeypatch.chdir(tmp_path)
    assert kvg.load("vizdoom_small").num_layers == 2
    assert kvg.VideoGPT.from_preset("vizdoom_small").num_layers == 2


def test_presets_are_frozen(folder):
    with pytest.raises(dataclasses.FrozenInstanceError):
        presets.available()[0].name = "other"
