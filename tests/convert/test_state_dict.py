"""State dicts are read as PyTorch reads them, in its format of today and in the one before 1.6."""

import os
import pickle
import struct

import numpy as np
import pytest
from checkpoint_writer import NUMBERS, call, encode, name, refusal, storage, tensor, write

from keras_videogpt.convert.checkpoint_file import read_checkpoint
from keras_videogpt.convert.state_dict import MAX_EXPANSION, open_state_dict, read_state_dict

HEAD = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


def legacy_storage(key="0", kind="torch.FloatStorage", count=24, view=None):
    return encode(("storage", name(kind), key, "cpu", count, view)) + b"Q"


def write_legacy(path, content, storages=None, head=HEAD):
    """A file in the format before 1.6; `storages` are pairs of a claimed count and bytes."""
    storages = {"0": (24, NUMBERS.tobytes())} if storages is None else storages
    pickles = [*head, content, list(storages)]
    data = b"".join(b"\x80\x02" + encode(value) + b"." for value in pickles)
    for count, raw in storages.values():
        data += struct.pack("<q", count) + raw
    path.write_bytes(data)
    return path


def saved_tensors(torch):
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {
        "base": base,
        "transposed": base.T,
        "slice": base[1:, ::2],
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "expanded": torch.arange(3).expand(2, 3),
        "parameter": torch.nn.Parameter(base[0]),
        "bfloat16": torch.linspace(-3, 3, 7, dtype=torch.bfloat16),
    }
    for dtype in ("float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        tensors[dtype] = base.to(getattr(torch, dtype))
    return {**tensors, **torch.nn.BatchNorm2d(3).state_dict()}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_pytorch_saves_is_read_as_pytorch_reads_it(path, zipped, wrapped):
    torch = pytest.importorskip("torch")
    saved = saved_tensors(torch)
    content = {"epoch": 3, "state_dict": saved} if wrapped else saved
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    read, opened = read_state_dict(path), open_state_dict(path)
    assert list(read) == list(opened) == list(saved)
    for key, value in saved.items():
        value = value.detach()
        expected = (value.float() if key == "bfloat16" else value).numpy()
        np.testing.assert_array_equal(read[key], expected, strict=True)
        assert (opened[key].shape, opened[key].dtype) == (expected.shape, expected.dtype.name)


def test_the_state_dict_of_a_module_is_read_in_both_formats(path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    for zipped in (False, True):
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=zipped)
        read = read_state_dict(path)
        assert list(read) == list(module.state_dict()) and len(read) == 7
        for key, value in module.state_dict().items():
            np.testing.assert_array_equal(read[key], value.numpy(), strict=True)


def test_a_legacy_file_of_python_2_is_read(path):
    pairs = [["w", tensor(legacy_storage(), 1, (2, 3), (6, 2))], ["b", tensor(legacy_storage())]]
    read = read_state_dict(write_legacy(path, call("collections.OrderedDict", pairs)))
    assert list(read) == ["w", "b"]
    np.testing.assert_array_equal(read["w"], NUMBERS[1:13].reshape(2, 6)[:, ::2])
    np.testing.assert_array_equal(read["b"], NUMBERS)


def test_a_checkpoint_s_reader_still_refuses_the_legacy_format(path):
    write_legacy(path, {"x": tensor(legacy_storage())})
    assert "PyTorch before 1.6" in refusal(path, read_checkpoint)
    assert list(read_state_dict(path)) == ["x"]


def test_a_legacy_file_cut_off_anywhere_is_refused_in_a_line(path):
    storages = {"0": (24, NUMBERS.tobytes()), "1": (4, bytes(16))}
    content = {"x": tensor(legacy_storage()), "y": tensor(legacy_storage("1", count=4), 0, (4,))}
    good = write_legacy(path, content, storages).read_bytes()
    assert len(read_state_dict(path)) == 2
    for length in range(len(good)):
        path.write_bytes(good[:length])
        refusal(path, read_state_dict)


def test_a_zip_file_cut_off_anywhere_is_refused_in_a_line(path):
    good = write(path, {"x": tensor(storage())}).read_bytes()
    assert len(read_state_dict(path)) == 1
    for length in range(0, len(good), 11):
        path.write_bytes(good[:length])
        refusal(path, read_state_dict)


def test_damaged_legacy_files_give_arrays_or_a_value_error(path):
    good = write_legacy(path, {"x": tensor(legacy_storage()), "y": tensor(legacy_storage(), 3)})
    good = good.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(good)
        for position in rng.integers(0, len(good) - NUMBERS.nbytes, rng.integers(1, 4)):
            damaged[position] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read_state_dict(path)
        except ValueError as error:
            assert str(error).startswith(f"{path} ") and "\n" not in str(error)
            refused += 1
    assert 100 < refused <= 300


@pytest.mark.parametrize("save", [write, write_legacy])
@pytest.mark.parametrize("place", ["top", "value", "key"])
def test_an_attack_in_place_of_weights_is_refused_and_does_not_run(path, save, place):
    marker = path.with_name("marker")
    attack = call("posix.system", f"touch {marker}")
    content = {"top": attack, "value": {"x": attack}, "key": {attack: 1}}[place]
    message = refusal(save(path, content), read_state_dict)
    assert "calls posix.system" in message and "nothing was executed" in message
    assert not marker.exists()


@pytest.mark.parametrize("part", range(3))
def test_an_attack_before_the_weights_is_refused_and_does_not_run(path, part):
    marker = path.with_name("marker")
    head = [*HEAD]
    head[part] = call("posix.system", f"touch {marker}", HEAD[0])
    assert refusal(write_legacy(path, {}, {}, head), read_state_dict)
    assert not marker.exists()


def test_an_object_that_pytorch_saves_as_a_call_is_refused(path):
    torch = pytest.importorskip("torch")
    marker = path.with_name("marker")

    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    for zipped in (False, True):
        torch.save({"x": Attack()}, path, _use_new_zipfile_serialization=zipped)
        assert f"calls {os.system.__module__}.system" in refusal(path, read_state_dict)
    assert not marker.exists()


RAW = NUMBERS.tobytes()
X = {"x": tensor(legacy_storage())}


@pytest.mark.parametrize(
    "content, storages, message",
    [
        (X, {"0": (23, RAW)}, "the storage 0 has not the claimed size"),
        (X, {"0": (-1, RAW)}, "has not the claimed size"),
        (X, {"0": (2**62, RAW)}, "has not the claimed size"),
        (X, {"0": (24, RAW[:-1])}, "its storage 0 ends after it does"),
        (X, {"0": (24, RAW), "1": (0, b"")}, "lists a storage that is of no tensor"),
        (X, {5: (24, RAW)}, "lists a storage that is of no tensor"),
        (X, {}, "whose storages it does not list"),
        ({"x": tensor(legacy_storage(count=2**62))}, None, "ends after it does"),
        ({"x": tensor(legacy_storage(count=2**70))}, None, "no valid size"),
        ({"x": tensor(legacy_storage(count=-1))}, None, "no valid size"),
        ({"x": tensor(legacy_storage()), "y": tensor(legacy_storage(count=23))}, None, "no valid"),
        ({"x": tensor(legacy_storage("../0"))}, None, "key of a storage"),
        ({"x": tensor(legacy_storage(kind="os.system"))}, None, "no tensor of a known type"),
        ({"x": tensor(legacy_storage(view=("1", 0, 3)))}, None, "a view of another"),
        ({"x": encode(("module", name("a.B"), "b.py", "")) + b"Q"}, None, "a whole module"),
        ({"x": tensor(legacy_storage(), 1)}, None, "past the end of 0"),
        ({"x": tensor(legacy_storage(), 0, (2, 13), (13, 1))}, None, "past the end"),
        ({"x": tensor(legacy_storage(), 0, (24,), (-1,))}, None, "valid shape"),
        ({"x": tensor(legacy_storage(), 0, (2**40,), (0,))}, None, "larger than the file"),
        ({"x": 5}, {}, "holds a value of type int under a str"),
        ({5: tensor(legacy_storage())}, None, "under a int"),
        ([1], {}, "holds a value of type list, not a state dict"),
    ],
)
def test_a_legacy_file_that_does_not_add_up_is_refused(path, content, storages, message):
    assert message in refusal(write_legacy(path, content, storages), read_state_dict)


@pytest.mark.parametrize(
    "head, message",
    [
        ([HEAD[0], 1000, HEAD[2]], "unknown version"),
        ([HEAD[0] + 2**80, 1001, HEAD[2]], "unknown version"),
        ([HEAD[0] + 1, 1001, HEAD[2]], "no PyTorch checkpoint"),
        ([HEAD[0], 1001, {"little_endian": False}], "big-endian"),
        ([HEAD[0], 1001, {}], "damaged"),
    ],
)
def test_other_versions_of_the_legacy_format_are_refused(path, head, message):
    assert message in refusal(write_legacy(path, X, head=head), read_state_dict)


def test_tensors_far_larger_than_the_file_are_refused(path):
    repeated = {str(i): tensor(storage(), 0, (24, 3), (1, 0)) for i in range(1000)}
    file_size = write(path, repeated).stat().st_size
    assert 1000 * 24 * 3 * 4 < MAX_EXPANSION * file_size  # names take more than numbers here
    assert len(read_state_dict(path)) == 1000
    many = {"0": np.zeros(24_000, "float32").tobytes()}
    repeated = {str(i): tensor(storage(count=24_000), 0, (24_000,)) for i in range(20)}
    assert "far more than the file" in refusal(write(path, repeated, many), read_state_dict)
    assert len(open_state_dict(path)) == 20


def test_other_files_are_told_for_what_they_are(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="weights.pth does not exist"):
        read_state_dict(path)
    assert "is no file" in refusal(tmp_path, read_state_dict)
    path.write_bytes(pickle.dumps({"x": 1}))
    assert "is no PyTorch checkpoint" in refusal(path, read_state_dict)
