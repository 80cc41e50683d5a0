"""Weights of Flax are read as pickle reads them, and hostile pickles of arrays are refused."""

import os
import pickle

import numpy as np
import pytest
from checkpoint_writer import call, encode, name, refusal

from keras_videogpt.convert.numpy_pickle import read_numpy_pickle

RECONSTRUCT = "numpy.core.multiarray._reconstruct"
RAW = b"C\x08" + np.arange(2, dtype="float32").tobytes()  # 8 bytes, as an operation


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pkl"


def write(path, content):
    path.write_bytes(b"\x80\x03" + encode(content) + b".")
    return path


def dtype(code="f4", order="<", subdtype=None, names=None):
    state = encode((3, order, subdtype, names, None, -1, -1, 0))
    return call("numpy.dtype", code, False, True) + state + b"b"


def array(shape=(2,), raw=RAW, kind=None, fortran=False):
    made = call(RECONSTRUCT, name("numpy.ndarray"), (0,), b"C\x01b")
    return made + encode((1, shape, kind or dtype(), fortran, raw)) + b"b"


ARRAYS = [
    np.arange(6, dtype="float32").reshape(2, 3),
    np.arange(6, dtype="int16").reshape(2, 3).T,
    np.arange(24, dtype=">f8").reshape(2, 3, 4)[:, ::2],
    np.arange(3, dtype="float16"),
    np.array([True, False]),
    np.array(5, "uint8"),
    np.float32(1.5),
    np.int64(-7),
    np.zeros((0, 3)),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_arrays_are_read_as_pickle_reads_them(path, protocol):
    content = {"params": {f"layer {i}": {"kernel": x} for i, x in enumerate(ARRAYS)}, "none": {}}
    content["params"]["shared"] = ARRAYS[0]
    path.write_bytes(pickle.dumps(content, protocol))
    read = read_numpy_pickle(path)
    assert list(read) == ["params", "none"] and read["none"] == {}
    assert list(read["params"]) == list(content["params"])
    for layer, expected in zip(read["params"].values(), ARRAYS, strict=False):
        expected = np.asarray(expected)
        assert type(layer["kernel"]) is np.ndarray and layer["kernel"].dtype.isnative
        np.testing.assert_array_equal(layer["kernel"], expected)
        assert layer["kernel"].dtype == expected.dtype.newbyteorder("=")
    assert read["params"]["shared"] is read["params"]["layer 0"]["kernel"]


def test_names_of_old_and_new_numpy_are_known(path):
    for core in ("numpy.core", "numpy._core"):
        made = array().replace(b"numpy.core", core.encode())
        np.testing.assert_array_equal(read_numpy_pickle(write(path, {"x": made}))["x"], [0, 1])


def test_an_attack_in_place_of_weights_is_refused_and_does_not_run(path):
    marker = path.with_name("marker")

    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    objects = np.array([Attack()], dtype=object)
    for protocol in range(6):
        for attack in (Attack(), {"x": Attack()}, {"x": {"y": [Attack()]}}):
            path.write_bytes(pickle.dumps(attack, protocol))
            message = refusal(path, read_numpy_pickle)
            assert f"calls {os.system.__module__}.system" in message
            assert "nothing was executed" in message
        path.write_bytes(pickle.dumps({"x": objects}, protocol))
        assert refusal(path, read_numpy_pickle)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content, message",
    [
        ([array()], "holds a value of type list, not a dict"),
        ({"x": 5}, "holds a value of type int where"),
        ({"x": call(RECONSTRUCT, name("numpy.ndarray"), (0,), b"C\x01b")}, "where an array"),
        ({"x": name("os.system")}, "holds os.system where"),
        ({5: array()}, "with a value of type int as a key"),
        ({"x": array((3,))}, "shape (3,) is of 8 bytes"),
        ({"x": array((2**62, 2**62))}, "is of 8 bytes"),
        ({"x": array((-2, -1))}, "without a valid shape"),
        ({"x": array((True, 2))}, "without a valid shape"),
        ({"x": array((1,) * 33)}, "without a valid shape"),
        ({"x": array([2])}, "without a valid shape"),
        ({"x": array(raw="ab")}, "without a valid shape"),
        ({"x": array(kind=name("numpy.float32"))}, "without a valid shape"),
        ({"x": array(kind=dtype("O8"))}, "not of plain numbers"),
        ({"x": array(kind=dtype("V8"))}, "not of plain numbers"),
        ({"x": array(kind=dtype("S8"))}, "not of plain numbers"),
        ({"x": array(kind=dtype("f4,f4"))}, "not of plain numbers"),
        ({"x": array(kind=dtype([("a", "O")]))}, "not of plain numbers"),
        ({"x": array(kind=dtype(names=("a",)))}, "not of plain numbers"),
        ({"x": array(kind=dtype(subdtype=("f4", (2,))))}, "not of plain numbers"),
        ({"x": array(kind=dtype(order="x"))}, "not of plain numbers"),
        ({"x": call("numpy.core.multiarray.scalar", dtype(), RAW)}, "shape () is of 8 bytes"),
        ({"x": name("os.environ") + encode({"A": "b"}) + b"b"}, "sets the state of os.environ"),
        ({"x": call("_codecs.encode", "a", "latin1")}, "calls _codecs.encode"),
        (b"}q\x01" + encode("me") + b"h\x01s", "in several places"),
        ({"x": b"}q\x01", "y": b"h\x01"}, "in several places"),
        (encode("0") + b"Q", "outside of the file"),
    ],
)
def test_what_is_no_dict_of_plain_arrays_is_refused(path, content, message):
    assert message in refusal(write(path, content), read_numpy_pickle)


def test_bytes_used_over_and_over_are_refused(path):
    raw = b"B\xa0\x0f\x00\x00" + bytes(4000) + b"q\x01"
    first = {"0": array((1000,), raw)}
    copies = {str(i): array((1000,), b"h\x01") for i in range(1, 9)}
    assert "more bytes than the file" in refusal(write(path, first | copies), read_numpy_pickle)
    assert len(read_numpy_pickle(write(path, first))) == 1


def test_a_file_cut_off_anywhere_is_refused_in_a_line(path):
    good = pickle.dumps({"params": {str(i): x for i, x in enumerate(ARRAYS)}}, 4)
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        refusal(path, read_numpy_pickle)


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="x.pkl does not exist"):
        read_numpy_pickle(tmp_path / "x.pkl")
    assert "is no file" in refusal(tmp_path, read_numpy_pickle)
