import pickle
import struct
import zipfile

import numpy as np
import pytest
from checkpoint_writer import NUMBERS, call, refusal, storage, tensor, write

from keras_videogpt.convert.checkpoint_file import read_checkpoint

DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.ckpt"


@pytest.mark.parametrize("kind", DTYPES)
def test_numbers_of_every_dtype_are_read(path, kind):
    numbers = NUMBERS.astype(DTYPES[kind])
    write(path, {"x": tensor(storage(kind=f"torch.{kind}"))}, {"0": numbers.tobytes()})
    x = read_checkpoint(path)["x"]
    assert (x.shape, x.dtype, x.numpy().dtype) == ((24,), DTYPES[kind], DTYPES[kind])
    np.testing.assert_array_equal(x.numpy(), numbers)


def test_bfloat16_is_read_as_float32(path):
    halves = (NUMBERS.view("uint32") >> 16).astype("uint16")  # exact: these need few bits
    stored = storage(kind="torch.BFloat16Storage")
    content = {"x": tensor(stored, 1, (3, 4), (1, 3)), "scalar": tensor(stored, 2, (), ())}
    read = read_checkpoint(write(path, content, {"0": halves.tobytes()}))
    assert read["x"].dtype == read["x"].numpy().dtype == "float32"
    np.testing.assert_array_equal(read["x"].numpy(), NUMBERS[1:13].reshape(4, 3).T)
    assert read["scalar"].numpy() == NUMBERS[2] and read["scalar"].numpy().shape == ()


@pytest.mark.parametrize(
    "offset, size, stride",
    [
        (0, (2, 3, 4), (12, 4, 1)),
        (0, (4, 3, 2), (1, 4, 12)),
        (5, (3, 2), (6, 2)),
        (23, (), ()),
        (23, (1, 1), (2**62, 7)),
        (2, (3, 5), (0, 1)),
        (24, (0, 3), (3, 1)),
    ],
)
def test_views_have_the_elements_of_their_strides(path, offset, size, stride):
    write(path, {"x": tensor(storage(), offset, size, stride), "all": tensor(storage())})
    content = read_checkpoint(path)
    expected = np.zeros(size, "float32")
    for index in np.ndindex(size):
        expected[index] = NUMBERS[offset + sum(i * s for i, s in zip(index, stride, strict=True))]
    array = content["x"].numpy()
    assert content["x"].shape == array.shape == size
    assert array.flags.c_contiguous and array.flags.writeable
    np.testing.assert_array_equal(array, expected)
    array[...] = 99
    np.testing.assert_array_equal(content["all"].numpy(), NUMBERS)


def test_parameters_and_sizes_are_read(path):
    data = tensor(storage(), 0, call("torch.Size", (6, 4)), (4, 1))
    parameter = call("torch._utils._rebuild_parameter", data, True, call("collections.OrderedDict"))
    older = call("torch._utils._rebuild_tensor", storage(), 0, (6, 4), (4, 1))
    content = read_checkpoint(write(path, {"x": parameter, "older": older}))
    for x in content.values():
        np.testing.assert_array_equal(x.numpy(), NUMBERS.reshape(6, 4))


def test_only_a_tensor_that_is_asked_for_is_read(path):
    stored = {"0": NUMBERS.tobytes(), "1": NUMBERS[::-1].tobytes()}
    write(path, {"a": tensor(storage("0")), "b": tensor(storage("1"))}, stored)
    content = bytearray(path.read_bytes())
    content[content.index(NUMBERS.tobytes()) + 9] ^= 1
    path.write_bytes(content)
    read = read_checkpoint(path)
    np.testing.assert_array_equal(read["b"].numpy(), NUMBERS[::-1])
    assert "data/0 fails its checksum" in refusal(path, lambda _: read["a"].numpy())


@pytest.mark.parametrize(
    "offset, size, stride, message",
    [
        (0, (25,), (1,), "past the end"),
        (1, (24,), (1,), "past the end"),
        (24, (), (), "past the end"),
        (0, (2, 3), (22, 1), "past the end"),
        (0, (2,), (2**62,), "past the end"),
        (0, (2**40,), (0,), "larger than the file"),
        (0, (0, 2**62, 2**62), (0, 0, 0), "larger than the file"),
        (-1, (2,), (1,), "valid shape"),
        (23, (2,), (-1,), "valid shape"),
        (0, (-2, -3), (1, 1), "valid shape"),
        (0, (2**64,), (0,), "valid shape"),
        (0, (2, 2), (1,), "valid shape"),
        (0, (True,), (1,), "valid shape"),
        (0, [2], (1,), "valid shape"),
        (0, "12", "12", "valid shape"),
        (None, (2,), (1,), "valid shape"),
        (0, (1,) * 33, (1,) * 33, "up to 32 axes"),
    ],
)
def test_a_tensor_must_lie_inside_its_storage(path, offset, size, stride, message):
    assert message in refusal(write(path, {"x": tensor(storage(), offset, size, stride)}))


@pytest.mark.parametrize("count", [23, 25, 2**62, 2**70, -24, True, 24.0, "24"])
def test_a_storage_must_have_the_size_it_claims(path, count):
    count = pickle.dumps(count, 2)[2:-1] if isinstance(count, float) else count
    assert "not the claimed one" in refusal(write(path, {"x": tensor(storage(count=count))}))


def test_a_tensor_needs_a_storage(path):
    assert "valid shape" in refusal(write(path, {"x": tensor("storage")}))
    assert "no member data/1" in refusal(write(path, {"x": tensor(storage("1"))}))


def change_directory(path, member, offset, number):
    """Sets a 4-byte field of a member's entry in the zip file's central directory."""
    content = bytearray(path.read_bytes())
    start = content.rindex(member.encode()) - 46
    assert content[start : start + 4] == b"PK\x01\x02"
    content[start + offset : start + offset + 4] = struct.pack("<I", number)
    path.write_bytes(content)


def test_sizes_that_the_zip_file_claims_are_checked(path):
    write(path, {"x": tensor(storage(count=2**30 - 1))})
    for offset in (20, 24):  # compressed and real size
        change_directory(path, "run/data/0", offset, 4 * (2**30 - 1))
    assert "ends after the file" in refusal(path)
    write(path, {"x": tensor(storage())})
    change_directory(path, "run/data/0", 20, 5)
    assert "compressed in its member data/0" in refusal(path)


def test_a_big_endian_file_is_refused(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("run/data.pkl", b"}.")
        file.writestr("run/byteorder", "big")
    assert "big-endian" in refusal(path)


def test_a_zip_file_has_one_pickle_in_one_folder(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", b"}.")
        file.writestr("a/b/data.pkl", b"}.")
    assert "holds 0" in refusal(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("a/data.pkl", b"}.")
    assert read_checkpoint(path) == {}
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("b/data.pkl", b"}.")
    assert "holds 2" in refusal(path)


def test_what_pytorch_saves_is_read_as_pytorch_reads_it(path):
    torch = pytest.importorskip("torch")
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    module = torch.nn.BatchNorm2d(3)
    saved = {
        "base": base,
        "transposed": base.T,
        "slice": base[1:, ::2],
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "expanded": torch.arange(3).expand(2, 3),
        "parameter": torch.nn.Parameter(base[0]),
        "bfloat16": torch.linspace(-3, 3, 7, dtype=torch.bfloat16),
        **module.state_dict(),
    }
    for dtype in ("float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        saved[dtype] = base.to(getattr(torch, dtype))
    for protocol in (2, 4):
        torch.save(
            {"state_dict": saved, "module": module.state_dict(), "size": base.shape},
            path,
            pickle_protocol=protocol,
        )
        read = read_checkpoint(path)
        loaded = torch.load(path, weights_only=False)["state_dict"]
        assert list(read["state_dict"]) == list(loaded) and read["size"] == (4, 6)
        assert list(read["module"]) == list(module.state_dict())
        for key, x in read["state_dict"].items():
            expected = loaded[key].detach()
            expected = (expected.float() if key == "bfloat16" else expected).numpy()
            assert (x.shape, x.dtype) == (expected.shape, expected.dtype.name)
            np.testing.assert_array_equal(x.numpy(), expected, strict=True)
