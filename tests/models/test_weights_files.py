"""`save_weights` and `load_weights`: all numbers, or an error that names what differs."""

import h5py
import keras
import numpy as np
import pytest
from checks import assert_same_weights, randomize, small_gpt, small_vqvae, weights_of

import keras_videogpt as kvg


def numbers(model):
    """Every number of a model, seeds included, that is not counted anew in every epoch."""
    return [keras.ops.convert_to_numpy(variable) for variable in model.variables]


def test_a_tokenizer_s_averages_flag_and_seed_come_back(tmp_path, videos):
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, verbose=0)
    vqvae.save_weights(tmp_path / "x.weights.h5")
    other = small_vqvae(seed=5)
    other.load_weights(tmp_path / "x.weights.h5")
    assert_same_weights(numbers(other), numbers(vqvae))
    flag = keras.ops.convert_to_numpy(other.quantizer.initialized)
    assert flag == 1 and np.any(keras.ops.convert_to_numpy(other.quantizer.counts))
    np.testing.assert_array_equal(other.encode(videos), vqvae.encode(videos))


def test_a_prior_s_weights_bring_its_tokenizer_s_and_its_dropout_s_seed(tmp_path, videos):
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, verbose=0)
    gpt = small_gpt(vqvae, dropout=0.1)
    gpt.fit(videos, batch_size=4, verbose=0)
    randomize(gpt)
    gpt.save_weights(tmp_path / "x.weights.h5")
    other = small_gpt(small_vqvae(seed=5), dropout=0.1)
    other.load_weights(str(tmp_path / "x.weights.h5"))
    assert_same_weights(numbers(other), numbers(gpt))
    np.testing.assert_array_equal(other.bits_per_dim(videos), gpt.bits_per_dim(videos))


def test_the_weights_of_a_model_file_load_too(tmp_path):
    vqvae = small_vqvae()
    vqvae.save(tmp_path / "x.keras")
    other = kvg.VQVAE.from_config({**vqvae.get_config(), "seed": 7})
    other.load_weights(tmp_path / "x.keras")
    assert_same_weights(weights_of(other), weights_of(vqvae))


def test_weights_in_several_files(tmp_path):
    vqvae = small_vqvae()
    vqvae.save_weights(tmp_path / "x.weights.json", max_shard_size=1e-4)
    assert len(list(tmp_path.glob("x_*.weights.h5"))) > 1
    other = small_vqvae(seed=5)
    randomize(other)
    other.load_weights(tmp_path / "x.weights.json")
    assert_same_weights(weights_of(other), weights_of(vqvae))
    with h5py.File(tmp_path / "x_00001.weights.h5", "a") as file:
        file["x"] = h5py.SoftLink("/")
    with pytest.raises(ValueError, match="x.weights.json could not be loaded: .* SoftLink"):
        other.load_weights(tmp_path / "x.weights.json")
    (tmp_path / "x.weights.json").write_text('{"weight_map": {"a": "../secret.weights.h5"}}')
    with pytest.raises(ValueError, match="must name files beside it"):
        other.load_weights(tmp_path / "x.weights.json")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_layers": 1}, r"transformer_block_1/\S+ is \(.*\) in the file and not in the model"),
        ({"num_layers": 3}, r"transformer_block_2/\S+ is not in the file and \(.*\) in the model"),
        ({"hidden_dim": 24}, r"dense/0 is \(8, 20\) in the file and \(8, 24\) in the model"),
        ({"num_classes": 3}, "norm"),
        ({"embedding_shape": (5, 6)}, "is not in the file"),
    ],
)
def test_weights_of_another_architecture_are_refused_by_what_differs(tmp_path, options, message):
    vqvae = small_vqvae()
    small_gpt(vqvae).save_weights(tmp_path / "x.weights.h5")
    other = small_gpt(vqvae, **options)
    before = weights_of(other)
    with pytest.raises(ValueError, match=f"x.weights.h5 could not be loaded: .*{message}") as error:
        other.load_weights(tmp_path / "x.weights.h5")
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
    assert_same_weights(weights_of(other), before)


def test_mismatches_can_be_skipped(tmp_path):
    vqvae = small_vqvae()
    gpt = small_gpt(vqvae)
    randomize(gpt)
    gpt.save_weights(tmp_path / "x.weights.h5")
    deeper = small_gpt(vqvae, num_layers=3)
    with pytest.warns(UserWarning, match="could not be loaded"):
        deeper.load_weights(tmp_path / "x.weights.h5", skip_mismatch=True)
    assert_same_weights(weights_of(deeper.blocks[1]), weights_of(gpt.blocks[1]))


def test_what_is_no_weights_file_is_one_clear_line(tmp_path):
    vqvae = small_vqvae()
    with pytest.raises(FileNotFoundError, match="no file .*x.weights.h5"):
        vqvae.load_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match="read from .weights.h5 and .keras files; got .*x.h5"):
        vqvae.load_weights(tmp_path / "x.h5")
    vqvae.save_weights(tmp_path / "x.weights.h5")
    data = (tmp_path / "x.weights.h5").read_bytes()
    for share in (0, 0.5, 0.99):
        (tmp_path / "x.weights.h5").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ValueError, match="x.weights.h5 could not .* damaged or cut off"):
            vqvae.load_weights(tmp_path / "x.weights.h5")
