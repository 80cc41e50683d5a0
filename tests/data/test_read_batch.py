"""Batches, read clip by clip and straight into memory that is used again."""

import gc

import h5py
import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips, EmbeddedClips, HDF5Videos
from keras_videogpt.data.batch_memory import ALIGNMENT, BatchMemory
from keras_videogpt.data.read_batch import BatchReader
from keras_videogpt.data.read_into import read_into
from keras_videogpt.data.store import VideoStore

LAYOUTS = {
    "in one piece": {},
    "chunks": {"chunks": (4, 24, 32, 3)},
    "compressed": {"compression": "gzip"},
}


@pytest.fixture(params=LAYOUTS)
def store(request, tmp_path, clip):
    with h5py.File(tmp_path / "a.hdf5", "w", userblock_size=512) as file:
        file.create_dataset("train_data", data=clip(60), **LAYOUTS[request.param])
        file["train_idx"], file["train_labels"] = np.array([0, 25]), np.array([1, 0])
        file["train_actions"] = np.arange(120.0).reshape(60, 2)
    return HDF5Videos(tmp_path / "a.hdf5")


class PlainStore(VideoStore):
    """What someone may bring: `frames` has no `out`."""

    def __init__(self, videos):
        self.videos = videos

    def __len__(self):
        return len(self.videos)

    def num_frames(self, index):
        return len(self.videos[index])

    def name(self, index):
        return str(index)

    def frames(self, index, start=0, count=None, stride=1):
        return self.videos[index][self.frame_slice(index, start, count, stride)]


class PlainClips:
    """Clips whose `get` has no `out`."""

    def __init__(self, clips):
        self.clips = clips

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        return self.get(index)

    def get(self, index, epoch=0):
        return self.clips.get(index, epoch)


def assert_as_clip_by_clip(clips):
    read, places = BatchReader(clips), [(0, 0), (1, 0), (1, 3), (0, 1), (1, 3)]
    items = [clips.get(*place) for place in places]
    for _ in range(3):  # the second and third time into memory that was used
        batch = read(places)
        assert batch.keys() == items[0].keys()
        for name, array in batch.items():
            wanted = np.stack([item[name] for item in items])
            assert array.dtype == wanted.dtype
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"size": 16, "crop": "random"}])
def test_a_batch_read_straight_is_that_read_clip_by_clip(store, options):
    clips = Clips(store, **{"num_frames": 5, "size": (24, 32)} | options)
    for index, epoch in ((0, 0), (1, 2)):
        video = clips.get(index, epoch, np.empty((5, *clips.size, 3), "uint8"))["video"]
        np.testing.assert_array_equal(video, clips.get(index, epoch)["video"])
    assert_as_clip_by_clip(clips)
    assert_as_clip_by_clip(PlainClips(clips))


def test_only_frames_that_lie_in_one_piece_are_read_past_hdf5(store):
    out = np.empty((5, 24, 32, 3), "uint8")
    in_one_piece = store.frames(0, count=1) is not None and store._offset is not None
    assert in_one_piece == (store._array("data").chunks is None)
    np.testing.assert_array_equal(store.frames(1, 7, 5, out=out), store.frames(1, 7, 5))
    assert (store.frames(1, 7, 5, out=out) is out) == in_one_piece
    assert store.frames(1, 7, 5, out=out[:, :8]) is not out  # another size


def test_mirrored_clips_and_embeddings_are_read_straight_too(tmp_path, clip):
    with h5py.File(tmp_path / "b.hdf5", "w") as file:
        file["train_data"], file["train_idx"] = clip(60), np.array([0, 25])
    options = {"num_frames": 4, "size": (24, 32), "flip": True}
    store = HDF5Videos(tmp_path / "b.hdf5")
    assert_as_clip_by_clip(Clips(store, **options))
    embeddings = {store.name(i): np.full((i + 1, 3), i) for i in range(2)}
    assert_as_clip_by_clip(EmbeddedClips(store, embeddings, **options))


def test_a_store_that_ignores_out_gives_the_same_batches(clip):
    videos = [clip(20), clip(30, seed=1)]
    plain = Clips(PlainStore(videos), 4, (24, 32), flip=True)
    assert_as_clip_by_clip(plain)
    first, second = (
        BatchReader(c) for c in (plain, Clips(ArrayVideos(videos), 4, (24, 32), flip=True))
    )
    places = [(0, 0), (1, 0), (0, 5)]
    np.testing.assert_array_equal(first(places)["video"], second(places)["video"])


def test_a_file_that_ends_early_is_told(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(10)))
    out = np.zeros(4, "uint8")
    with open(tmp_path / "a", "rb", buffering=0) as file:
        assert read_into(file, out, 3) and out.tolist() == [3, 4, 5, 6]
        assert not read_into(file, out, 8)


def test_starts_depend_on_seed_epoch_and_clip_alone_and_reach_both_ends(clip):
    store = ArrayVideos([clip(7)] * 40)
    places = [(index, epoch) for epoch in range(3) for index in range(40)]
    for seed in (0, 2**70):
        in_order, shuffled = (Clips(store, 4, (24, 32), seed=seed) for _ in range(2))
        first = {place: in_order.get(*place)["video"] for place in places}
        for place in places[::-7] + places[::3]:
            np.testing.assert_array_equal(shuffled.get(*place)["video"], first[place])
        starts = [first[index, 0][0, 0, 0, 0] for index in range(40)]
        assert set(starts) == {clip(7)[start, 0, 0, 0] for start in range(4)}
    assert np.any(first[0, 0] != first[0, 1]) or np.any(first[1, 0] != first[1, 1])


def test_memory_is_used_again_once_nobody_holds_a_part_of_it():
    memory, shape = BatchMemory(arrays=2), (4, 64, 64, 8)
    first = memory.empty("video", shape, "uint8")
    address = first.ctypes.data
    assert address % ALIGNMENT == 0
    part = first[1:2, ::2].transpose(1, 0, 2, 3)[3:]
    del first
    gc.collect()
    other = memory.empty("video", shape, "uint8")
    assert other.ctypes.data != address
    more = [memory.empty("video", shape, "uint8") for _ in range(3)]
    assert len({array.ctypes.data for array in (*more, other, part.base)}) == 5
    del part, more, other
    again = memory.empty("video", (3, 64, 64, 8), "uint8")
    assert again.ctypes.data == address
    larger = memory.empty("video", (9, 64, 64, 8), "float32")
    larger[...] = 1.5
    again[...] = 0
    assert (larger == 1.5).all()


def test_batches_that_are_kept_do_not_change(store):
    read = BatchReader(Clips(store, num_frames=15, size=(24, 32)))
    places = [[(index % 2, index + k) for k in range(3)] for index in range(12)]
    kept = [read(each)["video"] for each in places]
    for each, video in zip(places, kept, strict=True):
        np.testing.assert_array_equal(video, read(each)["video"])
