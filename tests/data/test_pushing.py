"""The robot-pushing recorder: its scenes, its actions, its files."""

import doctest
import json

import numpy as np
import pytest
from PIL import Image

from keras_videogpt.cli import main
from keras_videogpt.data import HDF5Videos, VideoFolder, record_pushing, replay_pushing
from keras_videogpt.data.pushing import objects, pusher, recording, scene

try:
    replay_pushing(0, np.zeros((1, 4)), size=8)
except ImportError as error:
    pytest.skip(f"needs the mujoco extra and a GL library: {error}", allow_module_level=True)

REQUEST = dict(episodes=4, frames=8, size=32, seed=3, test_share=0.25, progress=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return record_pushing(tmp_path_factory.mktemp("robots") / "a", **REQUEST)


def lines(folder):
    """The whole lines of a recording; a killed run may leave half of one."""
    text = (folder / "episodes.jsonl").read_text().split("\n")
    return [json.loads(line) for line in text if line.endswith("}")]


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for split in ("train", "test")
        for path in (folder / split).iterdir()
    }


def by_name(folder):
    """The files without their split, which depends on the number of episodes."""
    return {path.name: content for path, content in files(folder).items()}


def played(seed, frames=30):
    """Where objects and paddle are at each frame of an episode, in metres, without pictures."""
    world, player = scene.PushingScene(seed), pusher.Pusher(np.random.default_rng((seed, 1)))
    places, actions = [world.objects()], []
    for _ in range(frames - 1):
        actions.append(player.act(world.paddle, world.objects()))
        world.step(actions[-1])
        places.append(world.objects())
    return np.stack(places), np.stack(actions)


@pytest.mark.parametrize("module", [objects, pusher, recording, scene])
def test_the_examples_of_docstrings_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_episodes_are_videos_with_four_smooth_actions(recorded):
    train, test = VideoFolder(recorded, "train"), VideoFolder(recorded, "test")
    assert len(train) == 3 and len(test) == 1
    assert train.frames(0).shape == (8, 32, 32, 3) and train.actions(0).shape == (8, 4)
    actions = np.concatenate([train.actions(i) for i in range(3)])
    assert actions.dtype == np.float32 and np.abs(actions).max() <= 1 and actions.std() > 0.2
    assert train.frames(0).std() > 20
    with Image.open(recorded / "contact_sheet.png") as sheet:
        assert sheet.width > 8 * 32 and sheet.height > 3 * 32


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_episodes_and_workers(
    recorded, tmp_path
):
    more = record_pushing(tmp_path / "b", **{**REQUEST, "episodes": 8, "workers": 2})
    first, second = by_name(recorded), by_name(more)
    assert len(first) == 8 and first == {name: second[name] for name in first}
    assert len({content for name, content in second.items() if name.endswith(".mkv")}) == 8


def test_another_seed_gives_other_scenes():
    pictures = [replay_pushing(seed, np.zeros((1, 4)), size=32)[0].astype(int) for seed in range(3)]
    for other in pictures[1:]:
        assert np.abs(other - pictures[0]).mean() > 3


def test_a_stopped_recording_goes_on(recorded, tmp_path):
    again = record_pushing(tmp_path / "b", **REQUEST)
    complete = files(again)
    text = (again / "episodes.jsonl").read_text()
    [first] = [line for line in text.splitlines() if '"episode": 0' in line]
    (again / "episodes.jsonl").write_text("\n" + first + '\n{"epis')
    kept = again / "train" / "episode_00000.mkv"
    before = kept.stat().st_mtime_ns
    for lost in ("train/episode_00001.mkv", "test/episode_00003.actions.npy"):
        (again / lost).unlink()
    record_pushing(again, **REQUEST)
    assert kept.stat().st_mtime_ns == before and files(again) == complete
    assert sorted(line["episode"] for line in lines(again)) == [0, 1, 2, 3]


def test_what_is_there_is_not_recorded_over(recorded, tmp_path):
    with pytest.raises(FileExistsError, match="seed=3 there"):
        record_pushing(recorded, **{**REQUEST, "seed": 4})
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="other files"):
        record_pushing(tmp_path, **REQUEST)
    (tmp_path / "mine.h5").write_text("not HDF5")
    with pytest.raises(FileExistsError, match="mine.h5"):
        record_pushing(tmp_path / "mine.h5", **REQUEST)
    assert (tmp_path / "mine.h5").read_text() == "not HDF5"


def test_a_file_holds_the_same_episodes_as_a_folder(recorded, tmp_path):
    pytest.importorskip("h5py", reason="needs the hdf5 extra")
    path = record_pushing(tmp_path / "robots.hdf5", **REQUEST)
    for split in ("train", "test"):
        file, folder = HDF5Videos(path, split), VideoFolder(recorded, split)
        assert len(file) == len(folder) and file.action_size == 4
        for index in range(len(file)):
            np.testing.assert_array_equal(file.frames(index), folder.frames(index))
            np.testing.assert_array_equal(file.actions(index), folder.actions(index))
    assert {p.name for p in tmp_path.iterdir()} == {"robots.hdf5", "robots.contact_sheet.png"}
    before = path.stat().st_mtime_ns
    record_pushing(path, **REQUEST)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(FileExistsError, match="frames=8 there"):
        record_pushing(path, **{**REQUEST, "frames": 9})


def test_a_replay_with_the_recorded_actions_is_the_recording(recorded):
    store = VideoFolder(recorded, "train")
    for index in (0, 2):
        seed = next(line["seed"] for line in lines(recorded) if line["episode"] == index)
        again = replay_pushing(seed, store.actions(index), size=32)
        np.testing.assert_array_equal(again, store.frames(index))


def test_frames_differ_from_the_first_other_action_on():
    actions = np.tile([0.0, 0.0, 1.0, 0.0], (6, 1))
    other = actions.copy()
    other[3:, 0] = 1
    first, second = (replay_pushing(5, a, size=32).astype(int) for a in (actions, other))
    np.testing.assert_array_equal(first[:4], second[:4])
    assert (np.abs(first[4:] - second[4:]).max(axis=(1, 2, 3)) > 50).all()


@pytest.mark.parametrize("axis, pixels", [(0, (1, 0)), (1, (0, -1)), (2, (0, -1))])
def test_the_paddle_goes_right_away_and_up_in_the_picture(axis, pixels):
    # The dark pixels of the paddle and its rod are what moves; column and joints are lighter.
    for seed in range(20):
        if np.all(np.abs(scene.PushingScene(seed).paddle[:2]) < 0.06):
            break
    actions = np.zeros((5, 4))
    actions[0, 2] = -1
    actions[1:, axis] = 1
    dark = (replay_pushing(seed, actions, size=64).max(axis=-1) < 45)[1:]
    middles = [np.argwhere(frame).mean(axis=0)[::-1] for frame in dark]
    assert np.dot(middles[-1] - middles[0], pixels) > 3


def test_objects_are_pushed_in_most_clips_and_stay_in_the_tray():
    moved = []
    for seed in range(20):
        places, actions = played(seed)
        distance = np.linalg.norm(places - places[0], axis=-1).max()
        moved.append(distance > 0.03)  # three pixels at 64x64
        assert np.abs(places[..., :2]).max() < 0.25 and places[..., 2].min() > 0.01
        assert np.abs(np.diff(actions, axis=0)).mean() < 0.3
    assert np.mean(moved) >= 0.75


def test_any_actions_keep_everything_in_the_tray():
    rng = np.random.default_rng(0)
    for seed in range(5):
        world, bold = scene.PushingScene(seed), rng.choice([-1.0, 1.0], (40, 4))
        bold[:, 2] = -1
        for action in np.repeat(bold[::4], 4, axis=0):
            world.step(action)
        assert np.abs(world.objects()[:, :2]).max() < 0.25
        assert np.abs(world.data.body("tool").xpos[:2]).max() < 0.23


def test_objects_start_apart_and_at_rest():
    for seed in range(10):
        world = scene.PushingScene(seed)
        before = world.objects()
        gaps = np.linalg.norm(before[:, None, :2] - before[None, :, :2], axis=-1)
        assert len(before) in (3, 4, 5) and gaps[~np.eye(len(before), dtype=bool)].min() > 0.05
        for _ in range(5):
            world.step(np.array([0, 0, 1, 0]))
        assert np.abs(world.objects() - before).max() < 0.002


@pytest.mark.parametrize(
    "wrong", [{"episodes": 0}, {"frames": 0}, {"size": 0}, {"workers": 0}, {"seed": -1}]
)
def test_wrong_arguments_are_named(wrong, tmp_path):
    [(name, value)] = wrong.items()
    with pytest.raises(ValueError, match=f"`{name}`.*{name}={value}"):
        record_pushing(tmp_path / "a", **{**REQUEST, **wrong})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "actions",
    [
        np.zeros((5, 3)),
        np.zeros(4),
        np.zeros((0, 4)),
        np.full((5, 4), 1.1),
        np.full((5, 4), np.nan),
    ],
)
def test_wrong_actions_are_refused(actions):
    with pytest.raises(ValueError, match=r"\[-1, 1\] of shape \(T, 4\)"):
        replay_pushing(0, actions)


def test_the_command_records_and_says_where(tmp_path, capsys):
    out = tmp_path / "robots"
    command = ["data", "pushing", "--out", str(out), "--episodes", "4", "--frames", "2"]
    command += ["--test-share", "0.5"]
    assert main([*command, "--size", "16"]) == 0
    printed = capsys.readouterr().out
    assert f"Wrote {out}: 2 train, 2 test episodes" in printed
    assert str(out / "contact_sheet.png") in printed
    assert main([*command, "--size", "0"]) == 2
    assert "size=0" in capsys.readouterr().err


def test_a_missing_gl_library_is_one_clear_error(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "bogus")
    with pytest.raises(ImportError, match="cannot draw here: .*bogus.*libegl1"):
        replay_pushing(0, np.zeros((1, 4)))
