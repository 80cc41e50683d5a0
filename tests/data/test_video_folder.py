import numpy as np
import pytest

from keras_videogpt.data import VideoFolder, open_videos, video_index, write_mkv_lossless
from keras_videogpt.data.video_index import INDEX_NAME, index_folder


def fill(folder, names, clip, frames=12):
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_mkv_lossless(folder / name, clip(frames, seed=seed))


def names(store):
    return [store.name(i) for i in range(len(store))]


def test_index_decodes_only_what_changed(tmp_path, clip, monkeypatch):
    fill(tmp_path, ["a.mkv", "b.mkv"], clip)
    first = index_folder(tmp_path, progress=False)
    decoded = []
    scan = video_index.scan_video
    monkeypatch.setattr(video_index, "scan_video", lambda p: decoded.append(p.name) or scan(p))
    assert index_folder(tmp_path, progress=False) == first and decoded == []
    fill(tmp_path, ["b.mkv"], clip, frames=20)
    assert [e.frames for e in index_folder(tmp_path, progress=False)] == [12, 20]
    assert decoded == ["b.mkv"]
    (tmp_path / "a.mkv").unlink()
    assert [e.path for e in index_folder(tmp_path, progress=False)] == ["b.mkv"]


def test_a_damaged_index_is_made_anew(tmp_path, clip):
    fill(tmp_path, ["a.mkv"], clip)
    (tmp_path / INDEX_NAME).write_text('{"version": 1, "videos": [{"pa')
    assert index_folder(tmp_path, progress=False)[0].frames == 12


def test_the_index_goes_home_where_the_folder_cannot_take_it(tmp_path, clip, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_VIDEOGPT_CACHE")
    fill(tmp_path / "videos", ["a.mkv"], clip)
    (tmp_path / "videos" / INDEX_NAME).mkdir()  # stands in for a read-only folder
    first = index_folder(tmp_path / "videos", progress=False)
    assert len(list((tmp_path / "home/.cache/keras_videogpt").glob("*.json"))) == 1
    monkeypatch.setattr(video_index, "scan_video", None)
    assert index_folder(tmp_path / "videos", progress=False) == first
    assert len(list((tmp_path / "videos").iterdir())) == 2


def test_both_splits_share_one_label_table(tmp_path, clip):
    fill(tmp_path, ["train/run/a.mkv", "train/jump/b.MKV", "test/walk/c.mkv"], clip)
    train, test = VideoFolder(tmp_path, "train"), VideoFolder(tmp_path, "test")
    assert train.class_names == test.class_names == ("jump", "run", "walk")
    assert [train.label(i) for i in range(2)] == [0, 1] and test.label(0) == 2


def test_flat_videos_have_no_labels(tmp_path, clip):
    fill(tmp_path, ["train/a.mkv", "test/b.mkv"], clip)
    store = VideoFolder(tmp_path, "train")
    assert names(store) == ["train/a.mkv"] and store.label(0) is None and not store.has_labels


def test_every_tenth_video_is_held_out_where_there_is_no_test_folder(tmp_path, clip):
    fill(tmp_path, [f"{i:02d}.mkv" for i in range(21)], clip, frames=1)
    test = names(VideoFolder(tmp_path, "test"))
    train = names(VideoFolder(tmp_path, "train"))
    assert test == ["09.mkv", "19.mkv"]
    assert sorted(test + train) == names(VideoFolder(tmp_path))


def test_the_validation_split_is_its_folder_or_else_the_test_split(tmp_path, clip):
    fill(tmp_path, ["train/a.mkv", "train/b.mkv", "valid/c.mkv", "test/d.mkv"], clip, frames=1)
    assert names(VideoFolder(tmp_path, "valid")) == ["valid/c.mkv"]
    assert names(VideoFolder(tmp_path, "train")) == ["train/a.mkv", "train/b.mkv"]
    (tmp_path / "test/d.mkv").unlink()
    assert names(VideoFolder(tmp_path, "test")) == ["train/b.mkv"]
    assert names(VideoFolder(tmp_path, "train")) == ["train/a.mkv"]
    fill(tmp_path, ["test/d.mkv"], clip, frames=1)
    (tmp_path / "valid/c.mkv").unlink()
    assert names(VideoFolder(tmp_path, "valid")) == ["test/d.mkv"]


def test_broken_files_are_skipped_and_named(tmp_path, clip):
    fill(tmp_path, ["train/good.mkv", "test/t.mkv"], clip)
    (tmp_path / "train/empty.mp4").touch()
    (tmp_path / "train/text.mp4").write_text("no video")
    (tmp_path / "stray.mp4").touch()
    with pytest.warns(UserWarning, match="3 of the videos .* are skipped"):
        store = VideoFolder(tmp_path, "train")
    assert names(store) == ["train/good.mkv"]
    skipped = dict(store.skipped)
    assert skipped["train/empty.mp4"] == "has zero bytes"
    assert skipped["train/text.mp4"].startswith("does not decode")
    assert "outside" in skipped["stray.mp4"]


def test_a_folder_of_broken_files_is_an_error_with_reasons(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ValueError, match="a.mp4: has zero bytes"):
        VideoFolder(tmp_path)


def test_wrong_places_are_refused_and_accepted_files_listed(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\.avi, \.mp4"):
        VideoFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        VideoFolder(tmp_path / "missing")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NotADirectoryError, match="is a file"):
        VideoFolder(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match=r"\.hdf5"):
        open_videos(tmp_path / "notes.txt")


def test_actions_lie_beside_the_videos(tmp_path, clip):
    fill(tmp_path, ["a.mkv", "b.mkv"], clip)
    rows = np.arange(24, dtype="float32").reshape(12, 2)
    for name in "ab":
        np.save(tmp_path / f"{name}.actions.npy", rows)
    store = VideoFolder(tmp_path)
    assert store.action_size == 2
    np.testing.assert_array_equal(store.actions(0, start=1, count=3, stride=4), rows[1:10:4])
    np.save(tmp_path / "a.actions.npy", rows[:11])
    with pytest.warns(UserWarning, match="11 actions for 12 frames"):
        assert names(VideoFolder(tmp_path)) == ["b.mkv"]
    (tmp_path / "a.actions.npy").unlink()
    with pytest.raises(ValueError, match="1 of 2 videos"):
        VideoFolder(tmp_path)
