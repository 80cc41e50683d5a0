"""`keras-videogpt convert`, and training as the original code does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.cli import main
from keras_videogpt.convert.videogpt_tensors import videogpt_from_arguments
from keras_videogpt.convert.vqvae_tensors import vqvae_from_arguments

PARITY = Path(__file__).resolve().parents[2] / "shared" / "parity"


@pytest.fixture
def write_checkpoint():
    """Writes checkpoints in the original's format."""
    if not PARITY.exists():
        pytest.skip("the builder of the original's checkpoints is not beside this checkout")
    pytest.importorskip("torch", reason="the builder of checkpoints needs PyTorch")
    spec = importlib.util.spec_from_file_location("checkpoints", PARITY / "checkpoints.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_checkpoint


def convert(checkpoint, out, capsys, *options) -> str:
    """Runs the command; gives what it prints."""
    capsys.readouterr()
    assert main(["convert", str(checkpoint), str(out), *options]) == 0
    return capsys.readouterr().out


def test_a_converted_prior_samples(write_checkpoint, tmp_path, capsys):
    checkpoint, path = tmp_path / "gpt.ckpt", tmp_path / "new" / "gpt.keras"
    write_checkpoint("gpt_class", checkpoint)
    printed = convert(checkpoint, path, capsys)
    for words in (
        "a VideoGPT of clips (8, 16, 16, 3)",
        "codes (2, 8, 8) out of 64",
        "layers: 2 of 48 channels; full attention; conditioned on 5 classes;",
        f"keras-videogpt sample {path} --out clips.gif --label 0",
    ):
        assert words in printed
    model = kvg.load(path)
    assert not model.compiled and f"{model.count_params():,} parameters" in printed
    out = tmp_path / "clips.npz"
    command = ["sample", str(path), "--out", str(out), "-n", "2", "--label", "3", "--seed", "0"]
    assert main(command) == 0
    expected = kvg.sample(kvg.convert.from_pytorch(checkpoint), 2, labels=[3, 3], seed=0)
    np.testing.assert_array_equal(np.load(out)["videos"], expected)


def test_a_converted_tokenizer_reconstructs(write_checkpoint, tmp_path, capsys):
    checkpoint, path = tmp_path / "vqvae.ckpt", tmp_path / "vqvae.keras"
    write_checkpoint("vqvae_4x2x2", checkpoint)
    path.write_text("mine")
    fails_in_one_line(capsys, ["convert", checkpoint, path], "vqvae.keras", "--overwrite")
    assert path.read_text() == "mine"
    printed = convert(checkpoint, path, capsys, "--overwrite")
    for words in (
        "a VQVAE of clips (8, 16, 16, 3)",
        "codes (2, 8, 8) out of 64; residual layers: 2; axial attention;",
        f"keras-videogpt reconstruct {path} VIDEO",
    ):
        assert words in printed
    data, out = write_data(tmp_path / "data"), tmp_path / "pairs.npz"
    video = data / "test" / "6.mkv"
    assert main(["reconstruct", str(path), str(video), "--out", str(out)]) == 0
    original = kvg.data.read_video(video, count=8)
    codes = kvg.convert.from_pytorch(checkpoint).encode(original[None])
    expected = kvg.load(path).decode(codes)[0] * 255 + 127.5
    shown = np.load(out)["videos"][0, :, :, 18:]
    np.testing.assert_allclose(shown, np.clip(expected, 0, 255), atol=0.51)


def test_files_that_can_not_be_converted_are_one_line(tmp_path, capsys):
    checkpoint, out = tmp_path / "x.ckpt", tmp_path / "x.keras"
    fails_in_one_line(capsys, ["convert", checkpoint, out], "x.ckpt")
    checkpoint.write_text("not a checkpoint")
    fails_in_one_line(capsys, ["convert", checkpoint, out], "x.ckpt")
    gif = tmp_path / "x.gif"
    fails_in_one_line(capsys, ["convert", checkpoint, gif], "OUT must end in .keras", "x.gif")
    assert not out.exists() and not gif.exists()


def comparable(model) -> dict:
    """A model's config, without what says nothing of what it computes."""
    config = model.get_config()
    return {k: v for k, v in config.items() if k not in ("name", "seed", "tokenizer", "trainable")}


def test_the_original_preset_trains_what_convert_gives(tmp_path):
    data = write_data(tmp_path / "data")
    extra = "--preset original --downsample 4 4 4 --steps 2"
    assert train_vqvae(data, tmp_path / "vqvae", extra) == 0
    trained = kvg.load(tmp_path / "vqvae")
    converted = vqvae_from_arguments(
        {
            "sequence_length": 4,
            "resolution": 16,
            "downsample": (4, 4, 4),
            "n_codes": 32,
            "embedding_dim": 8,
            "n_hiddens": 16,
            "n_res_layers": 1,
        }
    )
    assert comparable(trained) == comparable(converted)
    assert float(trained.measured_variance) == pytest.approx(0.06)

    extra = "--preset original --num-heads 4 --class-cond --steps 2"
    classes = write_data(tmp_path / "classes", ("cats", "dogs"))
    assert train_prior(classes, tmp_path / "vqvae" / "vqvae.keras", tmp_path / "gpt", extra) == 0
    arguments = {
        "layers": 2,
        "heads": 4,
        "hidden_dim": 20,
        "dropout": 0.2,
        "attn_type": "full",
        "n_cond_frames": 0,
        "class_cond_dim": 2,
    }
    converted = videogpt_from_arguments(arguments, trained)
    gpt = comparable(kvg.load(tmp_path / "gpt"))
    assert gpt.pop("class_names") == ("cats", "dogs")  # which a checkpoint has not
    assert comparable(converted) == {**gpt, "class_names": None}
