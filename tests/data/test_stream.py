"""The endless stream of training batches: from any step, and in shards."""

from itertools import islice

import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.data.stream import batch_places, stream


@pytest.fixture(scope="module")
def clips():
    """Five videos of one value each, that of their index."""
    videos = np.broadcast_to(
        np.arange(5, dtype="uint8")[:, None, None, None, None], (5, 2, 8, 8, 3)
    )
    return Clips(ArrayVideos(videos), num_frames=2, size=8)


def read(clips, batch_size, steps, **options):
    batches = islice(stream(clips, batch_size, seed=3, **options), steps)
    return [batch["video"][:, 0, 0, 0, 0].tolist() for batch in batches]


@pytest.mark.parametrize("first_step", [0, 1, 4])
def test_shards_put_together_are_the_plain_stream(clips, first_step):
    plain = read(clips, 4, 6, first_step=first_step)
    shards = [read(clips, 2, 6, first_step=first_step, shard=(index, 2)) for index in (0, 1)]
    assert [one + other for one, other in zip(*shards, strict=True)] == plain
    assert sorted(sum(read(clips, 4, 5), [])) == sorted([*range(5)] * 4)


def test_places_say_what_a_step_reads(clips):
    places = [batch_places(5, 4, 3, step) for step in range(5)]
    assert [[index for index, _ in batch] for batch in places] == read(clips, 4, 5)
    assert [epoch for batch in places for _, epoch in batch] == sorted([0, 1, 2, 3] * 5)
    assert [clips.name(index) for index, _ in places[0]] == [f"video {i}" for i, _ in places[0]]


@pytest.mark.parametrize("shard", [(1, 1), (-1, 2), (0, 0)])
def test_a_shard_is_one_of_as_many_as_there_are(clips, shard):
    with pytest.raises(ValueError, match="`shard` must be"):
        stream(clips, 2, shard=shard)
