import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_videogpt.cli import main
from keras_videogpt.data import VideoFolder, record_vizdoom, replay_vizdoom
from keras_videogpt.data.episode_folder import split_of
from keras_videogpt.data.recorder import SPLITS

vizdoom = pytest.importorskip("vizdoom", reason="needs the vizdoom extra")

REQUEST = dict(episodes=2, frames=20, size=32, seed=3, progress=False)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record_vizdoom(tmp_path_factory.mktemp("doom") / "a", **REQUEST)


def _lines(recording):
    return (recording / "episodes.jsonl").read_text().split("\n")[1:]


def test_episodes_are_videos_with_one_hot_actions(recording):
    train, test = VideoFolder(recording, "train"), VideoFolder(recording, "test")
    assert len(train) == len(test) == 1
    assert train.frames(0).shape == (20, 32, 32, 3) and train.actions(0).shape == (20, 4)
    np.testing.assert_array_equal(train.actions(0).sum(axis=1), 1)
    assert set(np.unique(train.actions(0))) == {0, 1}
    assert train.frames(0).std() > 10
    seeds = [json.loads(line)["seed"] for line in _lines(recording)]
    assert len(set(seeds)) == 2


def test_turning_left_moves_the_picture_to_the_right(recording):
    # Row t of the actions leads from frame t to frame t + 1.
    left = right = 0
    for split in ("train", "test"):
        store = VideoFolder(recording, split)
        frames, actions = store.frames(0).astype(float), store.actions(0).argmax(axis=1)
        for t in range(19):
            rightward = np.abs(frames[t + 1][:, 3:] - frames[t][:, :-3]).mean()
            leftward = np.abs(frames[t + 1][:, :-3] - frames[t][:, 3:]).mean()
            left += (actions[t] == 0) * (leftward - rightward)
            right += (actions[t] == 1) * (rightward - leftward)
    assert left + right > 0


def test_the_same_seed_gives_the_same_frames_and_a_stopped_run_goes_on(recording, tmp_path):
    again = record_vizdoom(tmp_path / "b", **REQUEST)
    first = VideoFolder(recording).frames(1)
    np.testing.assert_array_equal(VideoFolder(again).frames(1), first)
    (again / "episodes.jsonl").write_text("\n" + _lines(again)[0] + '\n{"epis')
    kept, lost = again / "train/episode_00000.mkv", again / "test/episode_00001.mkv"
    before = kept.stat().st_mtime_ns
    lost.unlink()
    record_vizdoom(again, **REQUEST)
    assert kept.stat().st_mtime_ns == before
    np.testing.assert_array_equal(VideoFolder(again).frames(1), first)
    assert json.loads(_lines(again)[-1])["episode"] == 1


def test_a_replay_with_the_same_actions_gives_the_episode_and_with_others_leaves_it(recording):
    store, seed = VideoFolder(recording, "test"), json.loads(_lines(recording)[1])["seed"]
    frames, actions = store.frames(0), store.actions(0)
    np.testing.assert_array_equal(replay_vizdoom(seed, actions, size=32), frames)
    actions[12:] = np.eye(4)[(actions[12].argmax() + 1) % 2]  # a turn, and not the same
    other = replay_vizdoom(seed, actions, size=32)
    np.testing.assert_array_equal(other[:13], frames[:13])
    assert np.all(np.abs(other[15:] - frames[15:].astype(float)).mean(axis=(1, 2, 3)) > 1)


def test_actions_of_a_replay_are_checked():
    for actions in (np.eye(5), np.ones((3, 4)), np.eye(4)[0], np.zeros((0, 4))):
        with pytest.raises(ValueError, match=r"one-hot rows \(T, 4\)"):
            replay_vizdoom(0, actions)
    with pytest.raises(ValueError, match="seed=-1"):
        replay_vizdoom(-1, np.eye(4))


def test_a_folder_of_another_recording_is_refused(recording, tmp_path):
    with pytest.raises(FileExistsError, match="seed=3 there"):
        record_vizdoom(recording, **{**REQUEST, "seed": 4})
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="other files"):
        record_vizdoom(tmp_path, **REQUEST)


def test_an_unknown_scenario_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="health_gathering_supreme"):
        record_vizdoom(tmp_path / "c", scenario="e1m1")


def test_episodes_are_split_8_1_1(tmp_path):
    splits = [split_of(episode, 1000, 0.1, 0.1) for episode in range(1000)]
    assert splits == ["train"] * 800 + ["valid"] * 100 + ["test"] * 100
    request = {**REQUEST, "episodes": 3, "frames": 4, "valid_share": 0.3}
    record_vizdoom(tmp_path / "d", **request)
    names = [VideoFolder(tmp_path / "d", split).name(0) for split in ("train", "valid", "test")]
    assert names == [f"{split}/episode_0000{i}.mkv" for i, split in enumerate(SPLITS)]
    with pytest.raises(ValueError, match="valid_share=0.95"):
        record_vizdoom(tmp_path / "e", **{**request, "valid_share": 0.95})


def test_a_scenario_is_taken_by_path(tmp_path):
    shipped = Path(vizdoom.scenarios_path)
    for name in ("basic.cfg", "basic.wad"):
        shutil.copy(shipped / name, tmp_path / name.replace("basic", "mine"))
    config = tmp_path / "mine.cfg"
    config.write_text(config.read_text().replace("basic.wad", "mine.wad"))
    mine = record_vizdoom(tmp_path / "f", scenario=str(config), **{**REQUEST, "frames": 4})
    shipped = record_vizdoom(tmp_path / "g", scenario="basic", **{**REQUEST, "frames": 4})
    frames = VideoFolder(mine, "train").frames(0)
    np.testing.assert_array_equal(frames, VideoFolder(shipped, "train").frames(0))
    with pytest.raises(FileNotFoundError, match="nowhere.cfg"):
        record_vizdoom(tmp_path / "h", scenario="nowhere.cfg")


def test_the_command_records_and_says_where(tmp_path, capsys):
    out = tmp_path / "game"
    command = ["data", "vizdoom", "--out", str(out), "--episodes", "4", "--frames", "2"]
    command += ["--size", "16", "--frame-skip", "2", "--valid-share", "0.25"]
    assert main([*command, "--test-share", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert f"Wrote {out}: 1 train, 1 valid, 2 test episodes" in printed
    assert main([*command, "--test-share", "1.5"]) == 2
    assert "test_share=1.5" in capsys.readouterr().err
