import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checkpoint_writer import call, encode, name, namespace, refusal, storage, tensor, write

from keras_videogpt.convert import checkpoint_file
from keras_videogpt.convert.checkpoint_file import read_checkpoint, read_lightning
from keras_videogpt.convert.pickle_reader import GlobalReference
from keras_videogpt.convert.stored_tensor import StoredTensor

PARITY = Path(__file__).resolve().parents[3] / "shared/parity"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.ckpt"


def test_lightning_checkpoints_give_tensors_and_hyper_parameters(path):
    state_dict = call("collections.OrderedDict") + b"(" + encode("w") + tensor(storage()) + b"u"
    state_dict += encode({"_metadata": {"": {"version": 1}}}) + b"b"
    arguments = {"lr": 3, "shape": (1, 2), "gpus": name("pytorch_lightning.utilities._gpus")}
    content = {"state_dict": state_dict, "hyper_parameters": {"args": namespace(**arguments)}}
    tensors, read = read_lightning(write(path, content))
    assert list(tensors) == ["w"] and isinstance(tensors["w"], StoredTensor)
    gpus = GlobalReference("pytorch_lightning.utilities._gpus")
    assert read == {"lr": 3, "shape": (1, 2), "gpus": gpus}
    content["hyper_parameters"] = {"n_codes": 7}
    assert read_lightning(write(path, content))[1] == {"n_codes": 7}


@pytest.mark.parametrize(
    "content, message",
    [
        ({"hyper_parameters": {}}, "no dict 'state_dict'"),
        ({"state_dict": {}}, "no dict 'hyper_parameters'"),
        ({"state_dict": 5, "hyper_parameters": {}}, "no dict 'state_dict'"),
        ({"state_dict": {"w": 5}, "hyper_parameters": {}}, "holds a value of type int"),
        ({"state_dict": {}, "hyper_parameters": {"args": 5}}, "must be names and values"),
        ({"state_dict": {}, "hyper_parameters": {5: 5}}, "must be names and values"),
    ],
)
def test_what_is_missing_of_a_lightning_checkpoint_is_named(path, content, message):
    assert message in refusal(write(path, content), read_lightning)


def test_hyper_parameters_that_hold_themselves_over_and_over_are_refused(path):
    doubled = encode([1]) + 40 * b"q\x050(h\x05h\x05l"  # 40 times: [x, x] in the place of x
    content = {"state_dict": {}, "hyper_parameters": {"args": namespace(a=doubled)}}
    assert "more than 10000 values" in refusal(write(path, content), read_lightning)
    content["hyper_parameters"] = b"}q\x01" + encode("me") + b"h\x01s"
    assert "more than 10000 values" in refusal(write(path, content), read_lightning)


def test_compressed_members_and_large_pickles_are_refused(path, monkeypatch):
    write(path, {"x": "y" * 10**6}, compression=zipfile.ZIP_DEFLATED)
    assert "compressed" in refusal(path)
    monkeypatch.setattr(checkpoint_file, "MAX_PICKLE_BYTES", 1000)
    assert "at most 1000 are read" in refusal(write(path, {"x": "y" * 1000}))
    assert read_checkpoint(write(path, {"x": "y" * 900})) == {"x": "y" * 900}


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"\n <!DOCTYPE html><html>Sign in</html>", "is a web page"),
        (b"\xef\xbb\xbf<html>", "is a web page"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02M\xe9\x03.", "PyTorch before 1.6"),
        (b"\x89HDF\r\n\x1a\n", "is no PyTorch checkpoint"),
        (b"PK\x03\x04", "cut off"),
        (b"PK\x05\x06" + bytes(18), "must hold one data.pkl, and holds 0"),
    ],
)
def test_other_files_are_told_for_what_they_are(path, content, message):
    path.write_bytes(content)
    assert message in refusal(path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="x.ckpt does not exist"):
        read_checkpoint(tmp_path / "x.ckpt")
    assert "no file" in refusal(tmp_path)


def test_damaged_files_give_a_value_or_a_value_error(path):
    arguments = namespace(a=1, b=(2, 3), f=name("torch.relu"))
    content = {
        "state_dict": {"x": tensor(storage()), "y": tensor(storage(), 3, (2, 2), (1, 5))},
        "hyper_parameters": {"args": arguments},
    }
    good = write(path, content).read_bytes()
    read_lightning(path)
    rng = np.random.default_rng(0)
    refused = 0
    for variant in range(300):
        damaged = bytearray(good)
        for position in rng.integers(0, len(good), rng.integers(1, 4)):
            damaged[position] = rng.integers(0, 256)
        if variant % 3 == 0:
            del damaged[rng.integers(0, len(good)) :]
        path.write_bytes(damaged)
        try:
            tensors, _ = read_lightning(path)
            for x in tensors.values():
                assert x.numpy().shape == x.shape
        except ValueError as error:
            assert str(error).startswith(f"{path} ") and "\n" not in str(error)
            refused += 1
    assert 100 < refused < 300


def test_the_format_of_old_pytorch_is_recognised(path):
    torch = pytest.importorskip("torch")
    for protocol in (2, 4):
        torch.save(
            {"x": torch.zeros(2)},
            path,
            pickle_protocol=protocol,
            _use_new_zipfile_serialization=False,
        )
        assert "PyTorch before 1.6" in refusal(path)


def test_a_checkpoint_of_the_original_is_read_whole(path, monkeypatch):
    pytest.importorskip("torch")
    if not PARITY.exists():
        pytest.skip("the reference checkpoints are not here")
    monkeypatch.syspath_prepend(str(PARITY))
    import checkpoints

    checkpoints.write_checkpoint("vqvae_4x2x2", path)
    tensors, hyper_parameters = read_lightning(path)
    expected = checkpoints.state_dict("vqvae_4x2x2")
    assert list(tensors) == list(expected) and len(expected) > 0
    for key, array in expected.items():
        np.testing.assert_array_equal(tensors[key].numpy(), array, strict=True)
    assert hyper_parameters == vars(checkpoints.hyper_parameters("vqvae_4x2x2"))
