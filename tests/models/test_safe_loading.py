"""Nothing in a file is executed, read from elsewhere, or written elsewhere: real attack files."""

import base64
import json
import marshal
import os
import pickle
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from checks import assert_same_weights, small_gpt, small_vqvae, weights_of
from cli_runs import fails_in_one_line

import keras_videogpt as kvg
from keras_videogpt.models.trusted_config import MAX_BYTES
from keras_videogpt.training.training_optimizer import TrainingOptimizer

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """What an honest file of a prior holds."""
    path = tmp_path_factory.mktemp("files") / "gpt.keras"
    small_gpt(small_vqvae()).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(params=["safe mode", "unsafe mode"])
def safe_mode(request):
    """Whether the user has turned Keras's safe mode off."""
    if request.param == "unsafe mode":
        keras.config.enable_unsafe_deserialization()
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from keras.src.saving.serialization_lib import SafeModeScope

        SafeModeScope(None).__enter__()


def pack(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refusal(path, load=kvg.load) -> str:
    """The message of a refusal, which must be one line that starts with the path."""
    with pytest.raises(ValueError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(str(path)) and "\n" not in message and len(message) < 500
    return message


def attacks(marker):
    """Configs that would run `touch marker`, by what the refusal must name."""

    def attack(x, command=f"touch {marker}"):
        import os

        os.system(command)
        return x

    code = base64.b64encode(marshal.dumps(attack.__code__)).decode()
    parts = {"code": code, "defaults": list(attack.__defaults__), "closure": None}
    function = {"class_name": "__lambda__", "config": {"value": list(parts.values()), **parts}}

    def named(module, name, registered=None, config=None):
        config = {"args": f"touch {marker}"} if config is None else config
        return {
            "module": module,
            "class_name": name,
            "config": config,
            "registered_name": registered,
        }

    touch = f"touch {marker}"
    return {
        "__lambda__": function,
        "keras.layers.Lambda": named("keras.layers", "Lambda", config={"function": function}),
        "os.function": named("os", "function", config="system"),
        "posix.system": named("posix", "system"),
        "subprocess.Popen": named("subprocess", "Popen"),
        "builtins.eval": named("builtins", "eval"),
        "payload.Layer": named("payload", "Layer"),
        "keras.src.utils.python_utils.func_load": named(
            "keras.src.utils.python_utils", "func_load"
        ),
        "keras.utils.get_file": named("keras.utils", "get_file", config={"origin": touch}),
        "keras.models.load_model": named("keras.models", "load_model"),
        "keras.layers.TorchModuleWrapper": named("keras.layers", "TorchModuleWrapper"),
        "keras.layers.TFSMLayer": named("keras.layers", "TFSMLayer"),
        "keras.layers.StringLookup": named(
            "keras.layers", "StringLookup", config={"vocabulary": "/etc/passwd"}
        ),
        "keras.optimizers.Sequential": named("keras.optimizers", "Sequential"),
        "someone>Layer": named("keras.optimizers", "Adam", "someone>Layer"),
        "keras_videogpt>PSNR": named("keras_videogpt", "PSNR", "keras_videogpt>PSNR"),
        "os.__typespec__": {
            "class_name": "__typespec__",
            "spec_name": "system",
            "module": "os",
            "config": [touch],
            "registered_name": None,
        },
        # Keras goes by these names first, whatever is registered.
        "keras_videogpt>VQVAE": {
            **function,
            "module": "keras_videogpt",
            "registered_name": "keras_videogpt>VQVAE",
        },
        "keras_videogpt>TrainingOptimizer": {
            **function,
            "module": "keras_videogpt",
            "registered_name": "keras_videogpt>TrainingOptimizer",
        },
        "Adam": {"class_name": "Adam", "config": {}},
        "get_file": {"class_name": "get_file", "module": None},
    }


PLACES = {
    "dtype": lambda config, attack: config["config"].update(dtype=attack),
    "tokenizer": lambda config, attack: config["config"].update(tokenizer=attack),
    "inside the tokenizer": lambda config, attack: config["config"]["tokenizer"]["config"].update(
        norm=attack
    ),
    "optimizer": lambda config, attack: config["compile_config"].update(optimizer=attack),
    "loss": lambda config, attack: config["compile_config"].update(loss=[{"a": attack}]),
    "an argument that is none": lambda config, attack: config["config"].update(x=attack),
    "build config": lambda config, attack: config.update(build_config=attack),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_a_config_names_beside_ours_is_refused(
    members, place, tmp_path, monkeypatch, safe_mode
):
    marker = tmp_path / "marker"
    payload = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nclass Layer: pass\n"
    (tmp_path / "payload.py").write_text(payload)
    monkeypatch.syspath_prepend(tmp_path)
    for name, attack in attacks(marker).items():
        config = json.loads(members[CONFIG])
        PLACES[place](config, attack)
        path = pack(tmp_path / "x.keras", {**members, CONFIG: json.dumps(config)})
        message = refusal(path)
        assert f"names {name}, which no model file of ours needs; nothing was executed" in message
        preset = tmp_path / "preset"
        if place == "dtype":
            refuse_preset(preset, config, members)
    assert not marker.exists()


def test_the_lambda_of_these_attacks_would_run(tmp_path):
    attack = attacks(tmp_path / "marker")["__lambda__"]
    assert keras.saving.deserialize_keras_object(attack, safe_mode=False)(1) == 1
    assert (tmp_path / "marker").exists()


def refuse_preset(folder, config, members):
    """The same config in a preset, with the right hash."""
    import hashlib

    folder.mkdir(exist_ok=True)
    text = json.dumps(config).encode()
    sums = {CONFIG: hashlib.sha256(text).hexdigest(), WEIGHTS: "0"}
    metadata = {"format": 1, "class": "VideoGPT", "sha256": sums}
    (folder / CONFIG).write_bytes(text)
    (folder / WEIGHTS).write_bytes(members[WEIGHTS])
    (folder / "metadata.json").write_text(json.dumps(metadata))
    for load in (kvg.load, kvg.VideoGPT.from_preset, kvg.VQVAE.from_preset):
        with pytest.raises(ValueError, match="which no model file of ours needs"):
            load(folder)


def test_a_file_of_keras_with_a_lambda_is_refused(tmp_path, safe_mode):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "lambda.keras")
    message = refusal(tmp_path / "lambda.keras")
    assert "holds a Sequential, and not a VQVAE or a VideoGPT" in message


@pytest.mark.parametrize(
    "text, message",
    [
        (b"[" * 10**6, "config.json is damaged"),
        (b'{"a":' * 10**5, "config.json is damaged"),
        (b"[]", "config.json holds no dictionary"),
        (b'{"config": 1', "config.json is damaged"),
        (b"\xff\xfe\xfa", "config.json is damaged"),
        (b'{"class_name": "a\\nb"}', r"holds a 'a\nb', and not"),
        (b" " * (MAX_BYTES + 1), "config.json declares 4,194,305 bytes"),
    ],
)
def test_a_config_that_is_none_is_refused(members, tmp_path, text, message):
    assert message in refusal(pack(tmp_path / "x.keras", {**members, CONFIG: text}))


def test_nesting_without_end_is_refused(members, tmp_path):
    config = json.loads(members[CONFIG])
    config["config"]["x"] = json.loads("[" * 500 + "]" * 500)
    path = pack(tmp_path / "x.keras", {**members, CONFIG: json.dumps(config)})
    assert "nested more than 40 times" in refusal(path)


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/escaped", "assets/../../escaped", "assets/x", "..\\escaped"]
)
def test_other_members_are_refused_and_written_nowhere(members, tmp_path, name):
    (tmp_path / "in").mkdir()
    path = pack(tmp_path / "in" / "x.keras", {**members, name: b"x"})
    assert "which no model file of ours has" in refusal(path)
    assert "which no model file of ours has" in refusal(path, small_gpt(small_vqvae()).load_weights)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "x.keras"]


def test_members_that_are_there_twice_or_missing_are_refused(members, tmp_path):
    path = pack(tmp_path / "x.keras", members)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(CONFIG, "{}")
    assert "once each" in refusal(path)
    assert "once each" in refusal(pack(path, {CONFIG: members[CONFIG]}))


@pytest.mark.parametrize("name", [CONFIG, "metadata.json", WEIGHTS])
def test_a_zip_bomb_is_refused_by_what_it_declares(members, tmp_path, name):
    bomb = {**members, name: bytes(2**27)}
    path = pack(tmp_path / "x.keras", bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    assert f"its {name} declares 134,217,728 bytes" in refusal(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_keras_never_packs_is_not_unpacked(members, tmp_path, compression):
    path = pack(tmp_path / "x.keras", members, compression)
    assert "is packed in a way that Keras does not use" in refusal(path)


def test_a_file_packed_again_with_compression_still_loads(members, tmp_path):
    path = pack(tmp_path / "x.keras", members, zipfile.ZIP_DEFLATED)
    assert type(kvg.load(path)) is kvg.VideoGPT


def secret(tmp_path):
    """A file beside the attack, which is not to be read."""
    (tmp_path / "secret").write_bytes(np.full(32 * 20, 7, "float32").tobytes())
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.full((20, 32), 7, "float32")
    return str(tmp_path / "secret"), str(tmp_path / "secret.h5")


def external_link(file, place, paths):
    file[place] = h5py.ExternalLink(paths[1], "/x")


def soft_link(file, place, paths):
    file[place] = h5py.SoftLink("/layers/dense/vars/0")


def external_storage(file, place, paths):
    file.create_dataset(place, (20, 32), "float32", external=[(paths[0], 0, 2560)])


def virtual(file, place, paths):
    layout = h5py.VirtualLayout((20, 32), "float32")
    layout[:] = h5py.VirtualSource(paths[1], "x", (20, 32))
    file.create_virtual_dataset(place, layout)


def empty_of_huge_shape(file, place, paths):
    file.create_dataset(place, (2**20, 2**20), "float32")


def compressed_bomb(file, place, paths):
    file.create_dataset(place, data=np.zeros((2**11, 2**12)), compression="gzip")


def text(file, place, paths):
    file.create_dataset(place, data=["a", "b"])


def circle(file, place, paths):
    file.create_group(place)["x"] = file["/layers"]


HDF5_ATTACKS = {
    external_link: "hold a ExternalLink at",
    soft_link: "hold a SoftLink at",
    external_storage: "from another file",
    virtual: "from another file",
    empty_of_huge_shape: "declare more bytes",
    compressed_bomb: "declare more bytes",
    text: "and not numbers at",
    circle: "twice",
}


@pytest.mark.parametrize("attack", HDF5_ATTACKS, ids=lambda attack: attack.__name__)
def test_weights_that_point_elsewhere_or_explode_are_refused(members, tmp_path, attack):
    path = tmp_path / "x.weights.h5"
    path.write_bytes(members[WEIGHTS])
    with h5py.File(path, "a") as file:
        place = "layers/dense_1/vars/0"
        assert file[place].shape == (20, 32)
        del file[place]
        attack(file, place, secret(tmp_path))
    model = small_gpt(small_vqvae())
    before = weights_of(model)
    assert HDF5_ATTACKS[attack] in refusal(path, model.load_weights)
    assert_same_weights(weights_of(model), before)
    whole = pack(tmp_path / "x.keras", {**members, WEIGHTS: path.read_bytes()})
    assert HDF5_ATTACKS[attack] in refusal(whole)


def test_a_group_that_is_a_link_is_refused(members, tmp_path):
    path = tmp_path / "x.weights.h5"
    path.write_bytes(members[WEIGHTS])
    with h5py.File(path, "a") as file:
        del file["layers"]
        file["layers"] = h5py.ExternalLink(secret(tmp_path)[1], "/")
    assert "hold a ExternalLink at 'layers'" in refusal(path, small_vqvae().load_weights)


def test_a_checkpoint_that_calls_a_function_is_refused_and_nothing_runs(tmp_path, capsys):
    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    path = tmp_path / "x.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"state_dict": {"x": Attack()}}, 2))
    assert "system, which no file of weights needs" in refusal(path, kvg.convert.from_pytorch)
    fails_in_one_line(capsys, ["convert", path, tmp_path / "x.keras"], "nothing was executed")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_model_file_that_is_cut_off_is_one_clear_line(members, tmp_path, capsys, share):
    path = pack(tmp_path / "x.keras", members)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    fails_in_one_line(capsys, ["sample", path, "--out", tmp_path / "x.npz"], path.name, "cut off")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_a_member_that_is_cut_off_is_one_clear_line(members, tmp_path, capsys, name, share):
    cut = members[name][: int(len(members[name]) * share)]
    path = pack(tmp_path / "x.keras", {**members, name: cut})
    what = "weights" if name == WEIGHTS else "config.json"
    command = ["sample", path, "--out", tmp_path / "x.npz"]
    fails_in_one_line(capsys, command, path.name, f"its {what}", "damaged or cut off")


def test_a_checkpoint_that_is_cut_off_is_one_clear_line(tmp_path, capsys):
    path = tmp_path / "x.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"state_dict": {}}, 2))
    path.write_bytes(path.read_bytes()[:-30])
    fails_in_one_line(capsys, ["convert", path, tmp_path / "x.keras"], path.name)


def test_a_changed_byte_is_noticed(members, tmp_path):
    path = pack(tmp_path / "x.keras", members)
    data = bytearray(path.read_bytes())
    data[data.index(b'"num_layers": 2') + 14] = ord("3")
    path.write_bytes(data)
    assert "config.json is damaged" in refusal(path)


def policies():
    """Dtype policies of every kind that Keras can save."""
    get = keras.dtype_policies.get
    yield from ("bfloat16", get("mixed_bfloat16"), get("mixed_float16"))
    yield get("int8_from_float32")
    chosen = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_bfloat16")
    chosen["embed"] = get("float8_from_mixed_bfloat16")
    yield chosen


@pytest.mark.parametrize("policy", policies(), ids=str)
def test_dtype_policies_are_trusted(members, tmp_path, policy):
    if not isinstance(policy, str):
        policy = keras.saving.serialize_keras_object(policy)
    config = json.loads(members[CONFIG])
    config["config"]["dtype"] = policy
    from keras_videogpt.models.trusted_config import check_config

    check_config(config)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_precisions_and_optimizers_load(tmp_path, videos, precision):
    keras.config.set_dtype_policy(precision)
    vqvae = small_vqvae()
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 10, warmup_steps=2, warmup_target=1e-2)
    optimizer = keras.optimizers.AdamW(schedule, use_ema=True, global_clipnorm=1.0)
    vqvae.compile(optimizer=TrainingOptimizer(optimizer))
    if precision != "bfloat16":  # Keras clips no gradients of two dtypes together on TensorFlow
        vqvae.fit(videos, batch_size=4, verbose=0)
    keras.config.set_dtype_policy("float32")
    vqvae.save(tmp_path / "x.keras")
    loaded = kvg.load(tmp_path / "x.keras")
    assert loaded.layers_policy.name == precision
    # NumPy 1.26 compares no bfloat16.
    weights = ([w.astype("float32") for w in weights_of(model)] for model in (loaded, vqvae))
    assert_same_weights(*weights)
    assert int(loaded.optimizer.iterations) == (0 if precision == "bfloat16" else 2)
    variables = loaded.optimizer.variables[: len(vqvae.optimizer.variables)]
    for one, other in zip(variables, vqvae.optimizer.variables, strict=True):
        one, other = (keras.ops.convert_to_numpy(v).astype("float32") for v in (one, other))
        np.testing.assert_array_equal(one, other)
    assert not kvg.load(tmp_path / "x.keras", compile=False).compiled


def test_an_optimizer_of_someone_else_can_be_left_out(tmp_path):
    @keras.saving.register_keras_serializable("someone")
    class Theirs(keras.optimizers.Adam):
        pass

    vqvae = small_vqvae()
    vqvae.compile(optimizer=Theirs())
    vqvae.save(tmp_path / "x.keras")
    assert "names someone>Theirs" in refusal(tmp_path / "x.keras")
    loaded = kvg.load(tmp_path / "x.keras", compile=False)
    assert_same_weights(weights_of(loaded), weights_of(vqvae))
