"""Remote paths: what is read and written on another file system is what it would be on this one."""

import importlib.util
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_videogpt.data import (
    HDF5Videos,
    VideoFolder,
    contact_sheet,
    open_videos,
    read_video,
    write_mkv_lossless,
    write_video,
)
from keras_videogpt.data import video_index as index
from keras_videogpt.paths import as_path, is_remote, local_copy, write_file

upath = pytest.importorskip("upath", reason="the extra `remote` is not installed")


@pytest.fixture
def remote():
    """The address of an empty folder in fsspec's file system in memory."""
    yield "memory://bucket/folder"
    memory = upath.UPath("memory://").fs
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.fixture
def videos():
    """Two videos `(6, 16, 16, 3)`."""
    return np.random.default_rng(0).integers(0, 256, (2, 6, 16, 16, 3), "uint8")


def put(address, name, write):
    write_file(as_path(address) / name, write)


def test_local_paths_stay_what_they_are(tmp_path):
    assert as_path("videos/a.mp4") == Path("videos/a.mp4")
    assert as_path(tmp_path) == tmp_path and not is_remote(as_path(tmp_path))
    assert as_path(f"file://{tmp_path}/a.mp4") == tmp_path / "a.mp4"
    assert as_path("C:/videos") == Path("C:/videos")
    with local_copy(tmp_path / "a.mp4") as path:
        assert path == tmp_path / "a.mp4"


def test_protocols_that_cannot_be_used_are_refused():
    with pytest.raises(ValueError, match="nope"):
        as_path("nope://bucket/videos").exists()
    if importlib.util.find_spec("s3fs"):
        pytest.skip("s3fs is installed")
    with pytest.raises(ImportError, match="s3fs"):
        open_videos("s3://bucket/videos")


def test_a_file_is_there_complete_or_not_at_all(tmp_path, remote):
    def fail(path):
        path.write_text("half")
        raise RuntimeError("stopped")

    for folder in (tmp_path / "new", as_path(remote)):
        write_file(folder / "a.txt", lambda path: path.write_text("whole"))
        with pytest.raises(RuntimeError):
            write_file(folder / "a.txt", fail)
        assert (folder / "a.txt").read_text() == "whole"
        assert [path.name for path in folder.iterdir()] == ["a.txt"]
        write_file(folder / "a.txt", lambda path: path.write_text("another"))
        assert (folder / "a.txt").read_text() == "another"


def test_a_remote_folder_of_videos_reads_as_a_local_one(remote, tmp_path, videos, monkeypatch):
    actions = np.arange(12, dtype="float32").reshape(6, 2)
    for place in (str(tmp_path), remote):
        for name, video in zip(("train/b/1.mkv", "test/a/2.mkv"), videos, strict=True):
            put(place, name, lambda path, video=video: write_mkv_lossless(path, video))
            put(place, name.replace("mkv", "actions.npy"), lambda path: np.save(path, actions))
    one, other = VideoFolder(tmp_path, "train"), open_videos(remote, "train")
    assert len(other) == 1 and other.class_names == one.class_names == ("a", "b")
    assert other.name(0) == one.name(0) == "train/b/1.mkv" and other.label(0) == 1
    np.testing.assert_array_equal(other.frames(0, 1, 2, 3), videos[0, 1:5:3])
    np.testing.assert_array_equal(other.actions(0, 2, 3), actions[2:5])
    np.testing.assert_array_equal(read_video(f"{remote}/test/a/2.mkv"), videos[1])
    scanned = []
    scan = index._scan
    monkeypatch.setattr(index, "_scan", lambda *entry: scanned.append(entry) or scan(*entry))
    open_videos(remote, "test")
    assert not scanned
    longer = np.concatenate([videos[0], videos[0]])
    put(remote, "train/b/1.mkv", lambda path: write_mkv_lossless(path, longer))
    put(remote, "train/b/1.actions.npy", lambda path: np.save(path, np.ones((12, 2))))
    assert open_videos(remote, "train").num_frames(0) == 12 and len(scanned) == 1


def test_missing_remote_videos_are_errors_that_name_them(remote):
    with pytest.raises(FileNotFoundError, match="nothing at 'memory://bucket/folder'"):
        open_videos(remote)
    put(remote, "notes.txt", lambda path: path.write_text("none"))
    with pytest.raises(FileNotFoundError, match="holds no video"):
        open_videos(remote)
    with pytest.raises(FileNotFoundError, match="memory://bucket/folder/a.mp4"):
        read_video(f"{remote}/a.mp4")


def test_a_remote_hdf5_file_reads_as_a_local_one(remote, videos):
    def write(path):
        with h5py.File(path, "w") as file:
            file["train_data"], file["train_idx"] = videos.reshape(-1, 16, 16, 3), [0, 6]

    put(remote, "a.hdf5", write)
    store = open_videos(f"{remote}/a.hdf5")
    assert isinstance(store, HDF5Videos) and len(store) == 2
    np.testing.assert_array_equal(store.frames(1, 1, 3), videos[1, 1:4])


@pytest.mark.parametrize("name", ["a.gif", "a.mp4", "a.npz", "a.png"])
def test_videos_are_written_where_they_should_be(remote, tmp_path, videos, name):
    for place in (str(tmp_path), remote):
        if name.endswith(".png"):
            contact_sheet(videos, f"{place}/{name}")
        else:
            write_video(f"{place}/{name}", videos)
            with pytest.raises(FileExistsError, match="--overwrite"):
                write_video(f"{place}/{name}", videos)
    assert (as_path(remote) / name).read_bytes()[:8] == (tmp_path / name).read_bytes()[:8]
    assert os.listdir(tmp_path) == [name]
