"""The commands with priors that are given actions and embeddings."""

import json

import numpy as np
import pytest
from checks import randomize
from cli_runs import fails_in_one_line, train_prior, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.cli import main

WORDS = np.random.default_rng(3).normal(size=(3, 5)).astype("float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Videos of two classes with actions, a tokenizer, and embeddings of the classes."""
    folder = tmp_path_factory.mktemp("folder")
    videos = write_data(folder / "videos", ("cats", "dogs"))
    assert train_vqvae(videos, folder / "vqvae", "--steps 2") == 0
    rng = np.random.default_rng(0)
    for path in videos.rglob("*.mkv"):
        actions = rng.normal(size=(10, 2)).astype("float32")
        np.save(path.with_suffix(".actions.npy"), actions)
    np.savez(folder / "words.npz", cats=WORDS[:1], dogs=WORDS)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    conditions = f"--action-cond frame --embeddings {folder / 'words.npz'} --condition-dropout 0.5"
    tokenizer = folder / "vqvae" / "vqvae.keras"
    assert train_prior(folder / "videos", tokenizer, folder / "run", f"--steps 2 {conditions}") == 0
    return folder / "run"


@pytest.fixture(scope="module")
def prior(run):
    """The trained prior with random weights, so that its conditions matter, and its file."""
    model = kvg.load(run)
    randomize(model, scale=1.0)
    model.save(run.parent / "prior.keras")
    return model, run.parent / "prior.keras"


def test_conditions_are_settings_of_the_run(run, folder, capsys):
    config, model = json.loads((run / "config.json").read_text()), kvg.load(run)
    assert model.action_shape == (4, 2) and model.action_conditioning == "frame"
    assert model.embedding_shape == (3, 5) and model.condition_dropout == 0.5
    assert config["action_shape"] == [4, 2] and config["embedding_shape"] == [3, 5]
    assert config["embeddings"] == str(folder / "words.npz")
    assert len(list((run / "samples").iterdir())) == 1
    capsys.readouterr()
    tokenizer = folder / "vqvae" / "vqvae.keras"
    assert train_prior(folder / "videos", tokenizer, run, "--steps 2 --action-cond clip") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "action_conditioning is 'frame' there and 'clip' here" in message


def test_clips_have_the_embeddings_of_their_video_or_class(folder):
    store = kvg.data.open_videos(folder / "videos", "test")
    own = {store.name(0): WORDS[1:], "cats": WORDS[:1], "dogs": WORDS}
    clips = kvg.data.EmbeddedClips(store, own, num_frames=4, size=16, start="all")
    assert clips.embedding_shape == (3, 5) and len(clips) == 4
    item = clips[0]
    np.testing.assert_array_equal(item["embeddings"], [*WORDS[1:], np.zeros(5)])
    np.testing.assert_array_equal(item["embedding_mask"], [True, True, False])
    np.testing.assert_array_equal(clips[2]["embeddings"], WORDS)
    with pytest.raises(ValueError, match="array for every video, or its class. Missing: .*dogs"):
        kvg.data.EmbeddedClips(store, {"cats": WORDS}, num_frames=4, size=16)
    with pytest.raises(ValueError, match=r"must be arrays \(l, D\), all of one D"):
        kvg.data.EmbeddedClips(store, own | {"dogs": WORDS[:, 1:]}, num_frames=4, size=16)


def test_sample_takes_actions_and_embeddings(prior, folder, tmp_path):
    model, path = prior
    rng = np.random.default_rng(1)
    actions = rng.normal(size=(3, 10, 2)).astype("float32")
    words = rng.normal(size=(3, 2, 5)).astype("float32")
    np.save(tmp_path / "actions.npy", actions)
    np.savez(tmp_path / "words.npz", embeddings=words, embedding_mask=[[True, False]] * 3)
    out = tmp_path / "clips.npz"
    command = ["sample", str(path), "-n", "3", "--seed", "5", "--out", str(out), "--overwrite"]
    command += ["--actions", str(tmp_path / "actions.npy"), "--stride", "2"]
    words = np.pad(words, ((0, 0), (0, 1), (0, 0)))
    mask = np.broadcast_to([True, False, False], (3, 3))
    given = {"actions": actions[:, 0:8:2], "embeddings": words, "embedding_mask": mask}
    for options, keywords in (([], {}), (["--guidance", "2"], {"guidance": 2.0})):
        assert main([*command, "--embeddings", str(tmp_path / "words.npz"), *options]) == 0
        expected = kvg.sample(model, 3, seed=5, **given, **keywords)
        np.testing.assert_array_equal(np.load(out)["videos"], expected)
    # The prior knows clips without some of its conditions, and one sequence serves all clips.
    np.save(tmp_path / "actions.npy", actions[0])
    assert main(command) == 0
    one = np.repeat(given["actions"][:1], 3, axis=0)
    expected = kvg.sample(model, 3, seed=5, actions=one)
    np.testing.assert_array_equal(np.load(out)["videos"], expected)


def test_evaluate_takes_the_embeddings_of_the_data(prior, folder, tmp_path):
    model, path = prior
    out = tmp_path / "figures.json"
    command = ["evaluate", str(path), str(folder / "videos"), "--json", str(out)]
    assert main([*command, "--embeddings", str(folder / "words.npz")]) == 0
    store = kvg.data.open_videos(folder / "videos", "test")
    words = {"cats": WORDS[:1], "dogs": WORDS}
    clips = kvg.data.EmbeddedClips(store, words, num_frames=4, size=16, start="all")
    batch = {name: np.stack([clip[name] for clip in clips]) for name in clips[0]}
    conditions = {name: batch[name] for name in ("actions", "embeddings", "embedding_mask")}
    bits = model.bits_per_dim(batch["video"], **conditions).mean()
    assert json.loads(out.read_text())["bits per code of the prior"] == pytest.approx(bits, 1e-5)


def test_what_does_not_fit_is_one_line(prior, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("keras_videogpt.commands.sample.load", lambda path: prior[0])
    for name, array in {
        "short": np.zeros((3, 2)),
        "wide": np.zeros((4, 3)),
        "text": np.full((4, 2), "a"),
        "two": np.zeros((2, 4, 2)),
        "long": np.zeros((4, 5)),
        "objects": np.array([{}] * 4),
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "mask.npz", embeddings=np.zeros((3, 5)), embedding_mask=np.ones(3))
    np.savez(tmp_path / "other.npz", words=np.zeros((3, 5)))
    command = ["sample", "gpt.keras", "--out", tmp_path / "out.gif", "-n", "3"]

    for option, name, *words in (
        ("--actions", "nowhere.npy", "--actions: there is no file"),
        ("--actions", "short.npy", "it must hold numbers (4, 2) or (n, 4, 2)", "(1, 3, 2)"),
        ("--actions", "wide.npy", "it must hold numbers (4, 2)", "(1, 4, 3)"),
        ("--actions", "text.npy", "it must hold numbers (4, 2)"),
        ("--actions", "two.npy", "--actions must be one for all clips or -n 3 of them; got 2"),
        ("--actions", "objects.npy", "--actions", "neither an .npy nor an .npz file of numbers"),
        ("--embeddings", "long.npy", "(l, 5) or (n, l, 5), l up to 3", "(1, 4, 5)"),
        ("--embeddings", "mask.npz", "embedding_mask must be bool (1, 3)"),
        ("--embeddings", "other.npz", "it must hold the array 'embeddings'; it has ['words']"),
    ):
        fails_in_one_line(capsys, [*command, option, tmp_path / name], *words)
    fails_in_one_line(capsys, [*command, "--keep-frames"], "--keep-frames needs", "--frames VIDEO")
    fails_in_one_line(capsys, [*command, "--guidance", "-1"], "guidance must be 0 or more")

    tokenizer, out = folder / "vqvae" / "vqvae.keras", tmp_path / "run"
    train = ["train", "prior", "--tokenizer", tokenizer, "--preset", "demo", "--out", out]
    flat = write_data(tmp_path / "flat")
    fails_in_one_line(
        capsys, [*train, flat, "--action-cond", "clip"], "needs actions, and", "flat has none"
    )
    videos = folder / "videos"
    fails_in_one_line(
        capsys, [*train, videos, "--embeddings", tmp_path / "other.npz"], "Missing:", "cats"
    )
    fails_in_one_line(
        capsys, [*train, videos, "--embeddings", tmp_path / "short.npy"], "is not an .npz file"
    )
    fails_in_one_line(capsys, [*train, videos, "--condition-dropout", "0.1"], "needs a condition")
    assert not out.exists()
