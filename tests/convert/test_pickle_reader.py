"""Pickles are read from checkpoint files, as a hostile one would be."""

import argparse
import copyreg
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
from checkpoint_writer import call, encode, name, namespace, refusal, storage, tensor, write

from keras_videogpt.convert.checkpoint_file import read_checkpoint, read_lightning
from keras_videogpt.convert.pickle_reader import GlobalReference


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.ckpt"


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_read_as_pickle_reads_them(path, protocol):
    shared = [1, -300, 70_000, 2**40, -(2**70)]
    content = {"a": shared, "b": (shared, (), (1,), (1, 2), (1, 2, 3)), "ü": "ü\n", "c": {}}
    content |= {"d": [True, False, None, 0.1, -1e300, []], 5: {None: {1.5: [[[]]]}}, "e": "x" * 300}
    content["many"] = list(range(2000))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x/data.pkl", pickle.dumps(content, protocol))
    read = read_checkpoint(path)
    assert read == content and list(read) == list(content)
    assert read["a"] is read["b"][0] and read["d"][0] is True


def test_names_are_compared_and_never_imported(path):
    key = name("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")
    unimported = name("antigravity.fly")
    content = {"callbacks": {key: {"best": tensor(storage())}}, "f": [unimported, unimported]}
    read = read_checkpoint(write(path, content))
    reference = GlobalReference("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")
    assert read["callbacks"][reference]["best"].shape == (24,)
    assert read["f"] == [GlobalReference("antigravity.fly")] * 2
    assert "antigravity" not in sys.modules and "pytorch_lightning" not in sys.modules


def hostile_pickles(marker):
    """Message -> operations that would create the file `marker`."""
    shell, python = f"touch {marker}", f"open({str(marker)!r}, 'w').close()"
    popen = name("subprocess.Popen")
    dotted = encode("collections") + encode("OrderedDict.__init__.__globals__") + b"\x93"
    return {
        "calls os.system": call("os.system", shell),
        "calls builtins.eval": call("builtins.eval", python),
        "calls builtins.exec": call("__builtin__.exec", python),
        "calls subprocess.Popen": popen + encode(((("touch", str(marker))),)) + b"\x81",
        "calls subprocess.check_call": name("subprocess.check_call")
        + encode((shell,))
        + encode({"shell": True})
        + b"\x92",
        "calls posix.system": b"(" + name("posix.system") + encode(shell) + b"o",
        "calls nt.system": b"(" + encode(shell) + b"int\nsystem\n",
        "calls collections.OrderedDict.__init__.__globals__": dotted + b")R",
        "calls torch.jit._pickle.restore_type_tag": call(
            "torch.jit._pickle.restore_type_tag", [], shell
        ),
        "calls builtins.getattr": call("builtins.getattr", name("os.path"), "os"),
        "calls a value of type dict": b"}" + encode((shell,)) + b"R",
        "sets the state of os.environ": name("os.environ") + encode({"HOME": "/"}) + b"b",
        "sets the state of argparse.Namespace": name("argparse.Namespace")
        + encode((None, {"__init__": name("os.system")}))
        + b"b",
        "sets the state of a value of type Namespace": namespace()
        + encode((None, {"__class__": popen}))
        + b"b",
        "sets the state of a value of type StoredTensor": tensor(storage())
        + encode({"numpy": name("os.system")})
        + b"b",
        "operation EXT1": b"\x82\xf0" + encode((shell,)) + b"R",
        "operation PERSID": b"Pos.system\n",
    }


@pytest.mark.parametrize("message", hostile_pickles(""))
@pytest.mark.parametrize("place", ["top", "hyper-parameters", "state dict key"])
def test_a_hostile_pickle_is_refused_by_name_and_nothing_runs(path, message, place):
    copyreg.add_extension("os", "system", 0xF0)
    try:
        copyreg._extension_cache[0xF0] = os.system
        marker = path.with_name("marker")
        attack = hostile_pickles(marker)[message]
        content = {
            "top": attack,
            "hyper-parameters": {"hyper_parameters": {"args": namespace(a=[attack])}},
            "state dict key": {"state_dict": {attack: 1}},
        }[place]
        found = refusal(write(path, content))
        assert message in found and "nothing was executed" in found
        assert not marker.exists()
    finally:
        copyreg._extension_cache.pop(0xF0, None)
        copyreg.remove_extension("os", "system", 0xF0)


def test_an_object_that_pickles_as_a_call_is_refused(path):
    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    marker = path.with_name("marker")
    for protocol in range(6):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("x/data.pkl", pickle.dumps({"x": Attack()}, protocol))
        assert f"calls {os.system.__module__}.system" in refusal(path)
    assert not marker.exists()


def test_a_hostile_state_stays_in_its_own_object(path):
    attributes = {"__class__": 5, "__dict__": 6, "keys": 7}
    content = {"hyper_parameters": {"args": namespace(**attributes)}, "state_dict": {}}
    assert read_lightning(write(path, content))[1] == attributes
    content["hyper_parameters"] = {"args": namespace()}
    assert read_lightning(write(path, content))[1] == {}
    assert vars(argparse.Namespace()) == {} and not hasattr(argparse.Namespace, "keys")
    poisoned = call("collections.OrderedDict") + encode({"items": 5, "get": 6}) + b"b"
    assert read_checkpoint(write(path, poisoned)) == {}


@pytest.mark.parametrize(
    "content, message",
    [
        (b"}" + b"N" + b"\x85" * 10**6 + b"Ns", "type tuple as a key"),
        (b"}" + b")" + b"2\x86" * 10**5 + b"Ns", "type tuple as a key"),
        ({2**61 - 1: 0, 2**80: 1}, "type int as a key"),
        (b"N" + b"\x85" * 10**6, "type tuple, not the dict"),
        (b"Nr\xff\xff\xff\xff0", "damaged"),
        (b"\x8e" + b"\xff" * 7 + b"\x7f", "damaged"),
        (b"(" * 10**6, "damaged"),
        (encode(storage("../data")), "key of a storage"),
        (encode(("storage", 5)) + b"Q", "damaged"),
        (encode(("storage", name("os.system"), "0", "cpu", 24)) + b"Q", "no tensor of a known"),
        (call("collections.OrderedDict", [("a", 1)]), "damaged"),
        (name("a\x1b[31m.b") + b")R", r"calls 'a\x1b[31m.b'"),
        (name("a" * 10**6 + ".b") + b")R", "calls 'aaa"),
        (b"\x8c\x03\xed\xb2\x80" * 2 + b"\x93)R", r"calls '\udc80.\udc80'"),
        (encode("x\ny") * 2 + b"\x93)R", r"calls 'x\ny.x\ny'"),
        (b"K\x05\x85\x93", "damaged"),
        (b"]N\x85\x86s", "damaged"),
        (b"}Na", "appends to what is no list"),
        (b"]NNs", "sets items of what is no dict"),
        (b"}(Nu", "damaged"),
        (b"0", "damaged"),
        (b"h\x05", "damaged"),
    ],
)
def test_bombs_and_nonsense_are_refused(path, content, message):
    assert message in refusal(write(path, content))


def test_damaged_pickles_give_a_value_or_a_value_error(path):
    content = {"x": tensor(storage()), "y": namespace(a=1, b=(2, [3]), f=name("torch.relu"))}
    good = encode(content)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(good)
        for position in rng.integers(0, len(good), rng.integers(1, 4)):
            damaged[position] = rng.choice(list(b"(tRbQ0c\x81\x85\x93}]sueal2hqN)")) ^ (
                rng.integers(0, 256) if rng.random() < 0.5 else 0
            )
        try:
            read_checkpoint(write(path, bytes(damaged)))
        except ValueError as error:
            assert str(error).startswith(f"{path} ") and "\n" not in str(error)
            refused += 1
    assert 100 < refused < 300
