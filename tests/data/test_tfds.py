"""Data sets of TensorFlow Datasets: the paper's by mock data, whose frames are noise and whose
features are the real ones, and a tiny real one on disk."""

import numpy as np
import pytest

from keras_videogpt.data import Clips, TFDSVideos, VideoFolder, dataset, open_videos
from keras_videogpt.data.tfds_conversion import convert_tfds

tfds = pytest.importorskip("tensorflow_datasets", reason="needs the tfds extra")
pytest.importorskip("tensorflow", reason="TensorFlow Datasets reads through TensorFlow")

PAPER = {
    "bair_robot_pushing_small": {"train": 12, "test": 12},
    "robonet/robonet_sample_64": {"train": 12},
    "ucf101/ucf101_1_256": {"train": 12, "test": 12},
    "moving_mnist": {"test": 12},
}


class TinyVideos(tfds.core.GeneratorBasedBuilder):
    """Videos of 4, 5, ... frames of which frame t of video i is i * 20 + t, with actions."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "video": tfds.features.Video((None, 8, 8, 3)),
            "actions": tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
            "label": tfds.features.ClassLabel(names=["slow", "fast"]),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(5), "test": self._generate_examples(2)}

    def _generate_examples(self, count):
        for i in range(count):
            actions = np.arange((3 + i) * 2, dtype="float32").reshape(-1, 2) + i
            yield f"{i}", {"video": tiny_video(i), "actions": actions, "label": i % 2}


def tiny_video(i):
    values = i * 20 + np.arange(4 + i)
    return np.broadcast_to(values[:, None, None, None], (4 + i, 8, 8, 3)).astype("uint8")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_VIDEOGPT_CACHE")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    builder = TinyVideos(data_dir=folder / "array")
    builder.download_and_prepare(file_format="array_record")
    TinyVideos(data_dir=folder / "tfrecord").download_and_prepare(file_format="tfrecord")
    return folder


@pytest.fixture
def mock(tmp_path):
    """Pretends that the data sets of the paper are prepared, with 12 videos in each split."""
    for name, counts in PAPER.items():
        builder = tfds.builder(name, data_dir=tmp_path / "mock")
        splits = []
        for split, count in counts.items():
            template = tfds.core.ShardedFileTemplate(
                data_dir=builder.data_path,
                dataset_name=builder.name,
                split=split,
                filetype_suffix="array_record",
            )
            splits.append(
                tfds.core.SplitInfo(
                    name=split, shard_lengths=[count], num_bytes=1, filename_template=template
                )
            )
        builder.info.set_splits(tfds.core.splits.SplitDict(splits))
        builder.info.set_file_format("array_record", override=True)
        builder.data_path.mkdir(parents=True)
        builder.info.write_to_directory(builder.data_path)
    with tfds.testing.mock_data(num_examples=12, data_dir=tmp_path / "mock"):
        yield tmp_path / "mock"


def test_bair_has_thirty_frames_of_the_main_camera_and_actions(mock):
    store = TFDSVideos("bair_robot_pushing_small", "test", mock)
    assert len(store) == 12 and store.num_frames(3) == 30 and store.action_size == 4
    batch = next(iter(dataset(Clips(store), batch_size=2)))
    assert batch["video"].shape == (2, 16, 64, 64, 3) and batch["actions"].shape == (2, 16, 4)


def test_robonet_holds_out_every_tenth_video(mock):
    name = "robonet/robonet_sample_64"
    train = TFDSVideos(name, "train", mock, progress=False)
    test = TFDSVideos(name, "test", mock, progress=False)
    assert (len(train), len(test)) == (11, 1) and train.action_size == 5
    for i in range(11):
        assert train.frames(i).shape == (train.num_frames(i), 64, 64, 3)
        assert train.actions(i).shape == (train.num_frames(i), 5)


def test_ucf101_has_its_classes(mock):
    store = TFDSVideos("ucf101/ucf101_1_256", "train", mock, progress=False)
    assert len(store.class_names) == 101 and store.class_names[0] == "ApplyEyeMakeup"
    assert 0 <= store.label(0) < 101 and store.frames(0).shape[1:] == (256, 256, 3)


def test_moving_mnist_gets_three_channels(mock):
    store = TFDSVideos("moving_mnist", "train", mock)
    video = store.frames(0, 2, 5, 3)
    assert len(store) == 11 and video.shape == (5, 64, 64, 3)
    np.testing.assert_array_equal(video[..., 0], video[..., 2])


@pytest.mark.parametrize("name", PAPER)
def test_every_data_set_of_the_paper_is_converted(mock, tmp_path, name):
    convert_tfds(tmp_path / "out", name, mock, limit=2, progress=False)
    train, test = (VideoFolder(tmp_path / "out", split) for split in ("train", "test"))
    assert len(train) == 2 and len(test) == (2 if len(PAPER[name]) == 2 else 1)


def test_frames_actions_and_labels_are_those_of_the_example(tiny):
    store = TFDSVideos("tiny_videos", "train", tiny / "array", progress=False)
    order = [int(store.frames(i)[0, 0, 0, 0]) // 20 for i in range(5)]
    assert sorted(order) == list(range(5)) and store.class_names == ("slow", "fast")
    for i, number in enumerate(order):
        np.testing.assert_array_equal(store.frames(i, 1, 2), tiny_video(number)[1:3])
        assert store.num_frames(i) == 4 + number and store.label(i) == number % 2
        actions = store.actions(i)
        # There is one action fewer than frames, and the row of the last frame is zero.
        assert actions.dtype == np.float32 and len(actions) == 4 + number
        np.testing.assert_array_equal(actions[1], [number + 2, number + 3])
        np.testing.assert_array_equal(actions[-1], [0, 0])
    with pytest.raises(ValueError, match="which ends at frame"):
        store.frames(0, count=30)


def test_lengths_are_found_once(tiny, monkeypatch):
    first = TFDSVideos("tiny_videos", "test", tiny / "array", progress=False)
    monkeypatch.setattr("keras_videogpt.data.tfds_videos.tqdm", None)
    again = TFDSVideos("tiny_videos", "test", tiny / "array")
    assert [again.num_frames(i) for i in range(2)] == [first.num_frames(i) for i in range(2)]


def test_a_missing_validation_split_is_the_test_split(tiny):
    valid = TFDSVideos("tiny_videos", "valid", tiny / "array", progress=False)
    assert len(valid) == 2
    with pytest.raises(ValueError, match="'train', 'valid' or 'test'; got 'all'"):
        TFDSVideos("tiny_videos", "all", tiny / "array")


@pytest.mark.parametrize("file_format", ["array", "tfrecord"])
def test_a_conversion_is_exact_in_any_format_and_goes_on(tiny, tmp_path, file_format):
    out = tmp_path / "out"
    convert_tfds(out, "tiny_videos", tiny / file_format, limit=2, progress=False)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.mkv")}
    assert len(before) == 4
    convert_tfds(out, "tiny_videos", tiny / file_format, progress=False)
    assert len(list(out.rglob("*.mkv"))) == 7
    assert before == {path: path.stat().st_mtime_ns for path in before}
    store = open_videos(out, "train")
    assert store.class_names == ("fast", "slow") and store.action_size == 2
    for i in range(5):
        number = int(store.frames(i)[0, 0, 0, 0]) // 20
        np.testing.assert_array_equal(store.frames(i), tiny_video(number))
        np.testing.assert_array_equal(store.actions(i)[1], [number + 2, number + 3])
        assert store.class_names[store.label(i)] == ("slow", "fast")[number % 2]


def test_wrong_data_sets_are_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="stored as tfrecord"):
        TFDSVideos("tiny_videos", data_dir=tiny / "tfrecord")
    with pytest.raises(FileNotFoundError, match="bair_robot_pushing_small is not prepared in"):
        TFDSVideos("bair_robot_pushing_small", data_dir=tmp_path)
    with pytest.raises(ValueError, match="no data set 'no_such_videos'"):
        TFDSVideos("no_such_videos", data_dir=tmp_path)
    with pytest.raises(FileNotFoundError, match="moving_mnist is not prepared"):
        open_videos("tfds:moving_mnist")
