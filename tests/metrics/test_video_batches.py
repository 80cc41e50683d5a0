import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.data import ArrayVideos, Clips, dataset
from keras_videogpt.metrics.video_batches import video_batches

VIDEOS = np.random.default_rng(0).integers(0, 256, (7, 3, 8, 8, 3), "uint8")


class Batches(keras.utils.PyDataset):
    """Batches of two, as arrays; it says how many there are in Keras 3's own way only."""

    num_batches = 4

    def __getitem__(self, index):
        return VIDEOS[2 * index : 2 * index + 2]


def clips():
    return Clips(ArrayVideos(VIDEOS), num_frames=3, size=8, start="first")


SOURCES = {
    "array": lambda: VIDEOS,
    "tensor": lambda: ops.convert_to_tensor(VIDEOS),
    "floats": lambda: (VIDEOS / 255 - 0.5).astype("float32"),
    "dictionary": lambda: {"video": VIDEOS, "label": np.arange(7)},
    "clips": clips,
    "list of clips": lambda: list(VIDEOS),
    "pipeline": lambda: dataset(clips(), batch_size=5),
    "pydataset": lambda: dataset(clips(), batch_size=3, pipeline="pydataset"),
    "own pydataset": Batches,
    "batches of any size": lambda: iter([VIDEOS[:1], VIDEOS[1:6], VIDEOS[6:]]),
    "tuples": lambda: ((VIDEOS[i : i + 2], np.zeros(2)) for i in range(0, 7, 2)),
    "dictionaries": lambda: ({"video": clip} for clip in VIDEOS),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_batches(source):
    batches = list(video_batches(SOURCES[source](), batch_size=3))
    assert [batch.shape[0] for batch in batches] == [3, 3, 1]
    assert all(batch.dtype == "uint8" for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), VIDEOS)


def test_nothing_is_read_beyond_the_count():
    read = []

    def source():
        for index, clip in enumerate(VIDEOS):
            read.append(index)
            yield clip

    batches = video_batches(source(), batch_size=2, count=5)
    next(batches)
    assert read == [0, 1]
    assert len(list(batches)) == 2 and read == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        (VIDEOS[0], r"\(N, T, H, W, 3\) as an array; got shape \(3, 8, 8, 3\)"),
        (VIDEOS[..., :1], r"clips \(T, H, W, 3\).*got shape \(3, 8, 8, 1\)"),
        (VIDEOS.astype("int32"), "uint8, or float in .*; got int32"),
        (
            [255 * np.linspace(0, 1, 192).reshape(1, 8, 8, 3)],
            r"must lie in \[-0.5, 0.5\]; got \[0, 255\]",
        ),
        ([VIDEOS[0], VIDEOS[0, :2]], r"shape \(B, 3, 8, 8, 3\); got \(1, 2, 8, 8, 3\)"),
        ({"codes": VIDEOS}, r"must have the key 'video'; it has \['codes'\]"),
        (["clip.mp4"], r"clips \(T, H, W, 3\).*got shape \(\)"),
    ],
)
def test_what_is_no_video_is_refused(videos, message):
    with pytest.raises(ValueError, match=message):
        list(video_batches(videos, batch_size=2))


def test_sizes_are_positive():
    with pytest.raises(ValueError, match="batch_size must be a positive integer; got 0"):
        next(video_batches(VIDEOS, batch_size=0))
    with pytest.raises(ValueError, match="count must be a positive integer; got 0"):
        next(video_batches(VIDEOS, batch_size=1, count=0))
