import importlib.util
import pickle
import sys

import h5py
import numpy as np
import pytest

from keras_videogpt.data import HDF5Videos, open_videos


@pytest.fixture
def path(tmp_path, clip):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["train_data"], file["train_idx"] = clip(30), np.array([0, 12])
        file["train_actions"] = np.arange(60.0).reshape(30, 2)
        file["train_labels"], file["test_labels"] = np.array([1, 0]), np.array([2])
        file["test_data"], file["test_idx"] = clip(5), np.array([0])
    return tmp_path / "a.hdf5"


def test_frames_actions_and_labels_are_those_of_the_video(path, clip):
    store = open_videos(path, "train")
    assert [store.num_frames(i) for i in range(len(store))] == [12, 18]
    np.testing.assert_array_equal(store.frames(1, 2, 4, 3), clip(30)[14:24:3])
    actions = store.actions(1, 2, 2)
    assert actions.dtype == np.float32
    np.testing.assert_array_equal(actions, [[28, 29], [30, 31]])
    assert store.label(0) == 1 and store.class_names == ("0", "1", "2")


def test_pickling_leaves_the_live_object_usable(path):
    store = HDF5Videos(path)
    frames = store.frames(0)
    copy = pickle.loads(pickle.dumps(store))
    np.testing.assert_array_equal(store.frames(0), frames)
    np.testing.assert_array_equal(copy.frames(0), frames)


def test_tensorflow_io_reads_what_h5py_reads(path):
    """Where it is installed and works: with TensorFlow 2.16 and 2.17, in tools/test_low_end."""
    pytest.importorskip("tensorflow_io", reason="installed by tools/test_low_end")
    one, other = (HDF5Videos(path, reader=reader) for reader in ("h5py", "tensorflow-io"))
    assert len(one) == len(other) == 2 and one.class_names == other.class_names
    for video, start, count, stride in [(0, 0, None, 1), (1, 2, 4, 3), (1, 17, 1, 1)]:
        wanted = (video, start, count, stride)
        np.testing.assert_array_equal(one.frames(*wanted), other.frames(*wanted))
        np.testing.assert_array_equal(one.actions(*wanted), other.actions(*wanted))
        assert other.frames(*wanted).dtype == np.uint8
    copy = pickle.loads(pickle.dumps(other))
    np.testing.assert_array_equal(copy.frames(0), one.frames(0))


def test_a_reader_that_does_not_work_says_what_to_take(path, monkeypatch):
    with pytest.raises(ValueError, match="'auto', 'h5py', 'tensorflow-io'"):
        HDF5Videos(path, reader="tfio")
    if importlib.util.find_spec("tensorflow_io"):
        pytest.skip("tensorflow-io works here")
    with pytest.raises(ImportError, match=r"keras_videogpt\[tfio\]"):
        HDF5Videos(path, reader="tensorflow-io")

    class Broken:
        class IOTensor:
            def from_hdf5(path):
                raise NotImplementedError("undefined symbol")

    tensorflow = pytest.importorskip("tensorflow", reason="tensorflow-io needs it")
    monkeypatch.setitem(sys.modules, "tensorflow_io", Broken)
    with pytest.raises(ImportError, match=f"this is {tensorflow.__version__}. Take h5py"):
        HDF5Videos(path, reader="tensorflow-io")


def test_unknown_split_lists_those_there(path):
    with pytest.raises(ValueError, match=r"\['test', 'train'\]"):
        HDF5Videos(path, "valid")


@pytest.mark.parametrize("starts", [[0, 5, 5], [0, 30], [-1, 3], []])
def test_starts_that_do_not_rise_inside_the_data_are_refused(tmp_path, clip, starts):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["train_data"], file["train_idx"] = clip(30), np.array(starts, "int64")
    with pytest.raises(ValueError, match="train_idx"):
        HDF5Videos(tmp_path / "b.h5")


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "c.h5").write_text("text")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        HDF5Videos(tmp_path / "c.h5")
