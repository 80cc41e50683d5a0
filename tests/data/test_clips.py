import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.data.transforms import center_crop, random_crop, resize_shorter_side


def numbered(frames, size=8):
    """A video whose frame k has the value k."""
    return np.broadcast_to(
        np.arange(frames, dtype="uint8")[:, None, None, None], (frames, size, size, 3)
    )


def test_clip_of_exactly_the_clip_length_is_read():
    clips = Clips(ArrayVideos([numbered(7)]), num_frames=4, stride=2, size=8)
    np.testing.assert_array_equal(clips[0]["video"][:, 0, 0, 0], [0, 2, 4, 6])


def test_random_starts_cover_every_place_to_the_last():
    clips = Clips(ArrayVideos([numbered(10)]), num_frames=4, stride=2, size=8)
    starts = {int(clips.get(0, epoch)["video"][0, 0, 0, 0]) for epoch in range(100)}
    assert starts == {0, 1, 2, 3}


def test_all_starts_follow_one_another_without_overlap():
    clips = Clips(ArrayVideos([numbered(10), numbered(5)]), 2, 8, stride=2, start="all")
    assert [int(c["video"][0, 0, 0, 0]) for c in clips] == [0, 3, 6, 0]


def test_a_hop_lets_clips_overlap_or_leave_gaps():
    store = ArrayVideos([numbered(10), numbered(5)])
    for hop, starts in ((1, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2]), (6, [0, 6, 0])):
        clips = Clips(store, 2, 8, stride=2, start="all", hop=hop)
        assert [int(c["video"][0, 0, 0, 0]) for c in clips] == starts
    for wrong in ({"hop": 0, "start": "all"}, {"hop": 2}):
        with pytest.raises(ValueError, match="`hop` must be at least 1"):
            Clips(store, 2, 8, **wrong)


def test_a_clip_depends_on_seed_epoch_and_index_alone(clip):
    store = ArrayVideos([clip(60), clip(60, seed=1)])
    options = dict(num_frames=4, size=16, crop="random", flip=True)
    a, b = Clips(store, seed=3, **options), Clips(store, seed=3, **options)
    b.get(1, 5)
    np.testing.assert_array_equal(a.get(0, 7)["video"], b.get(0, 7)["video"])
    assert not np.array_equal(a.get(0, 7)["video"], a.get(0, 8)["video"])
    other = Clips(store, seed=4, **options)
    assert not np.array_equal(a.get(0, 7)["video"], other.get(0, 7)["video"])


def test_short_videos_are_skipped_and_named():
    with pytest.warns(UserWarning, match="1 videos are shorter than a clip of 8 frames"):
        clips = Clips(ArrayVideos([numbered(7), numbered(8)]), num_frames=8, size=8)
    assert len(clips) == 1 and clips.skipped == [("video 0", "7 frames")]
    with pytest.raises(ValueError, match=r"video 0 \(7 frames\)"):
        Clips(ArrayVideos([numbered(7)]), num_frames=8)


def test_actions_and_labels_go_with_the_frames():
    actions = [np.arange(10, dtype="float32")[:, None]]
    clips = Clips(ArrayVideos([numbered(10)], labels=[2], actions=actions), 3, 8, stride=2)
    item = clips.get(0, epoch=4)
    np.testing.assert_array_equal(item["actions"][:, 0], item["video"][:, 0, 0, 0])
    assert item["label"] == 2 and item["label"].dtype == np.int32
    with pytest.raises(ValueError, match="flip"):
        Clips(clips.store, 3, 8, flip=True)


def test_mean_and_variance_are_those_of_the_pixels(clip):
    videos = np.stack([clip(4, 8, 8), clip(4, 8, 8, seed=1)])
    clips = Clips(ArrayVideos(videos), num_frames=4, size=8)
    np.testing.assert_allclose(clips.mean_frame(), videos.mean((0, 1)), rtol=1e-6)
    assert clips.variance() == pytest.approx((videos / 255).var(), rel=1e-9)


def test_only_uint8_videos_are_taken():
    with pytest.raises(ValueError, match="uint8"):
        ArrayVideos(np.zeros((1, 4, 8, 8, 3), "float32"))


def test_resizing_covers_the_size_and_rounds_up(clip):
    video = clip(2, 24, 32)
    assert resize_shorter_side(video, 12).shape == (2, 12, 16, 3)
    assert resize_shorter_side(video, 7).shape == (2, 7, 10, 3)
    assert resize_shorter_side(video, (10, 30)).shape == (2, 23, 30, 3)
    checkers = np.zeros((1, 32, 32, 3), "uint8")
    checkers[:, ::2, ::2] = checkers[:, 1::2, 1::2] = 255
    small = resize_shorter_side(checkers, 8)[:, 1:-1, 1:-1]
    assert small.min() > 120 and small.max() < 136  # antialiased: grey, not black or white


def test_crops_lie_where_they_should():
    video = np.arange(5 * 6, dtype="uint8").reshape(1, 5, 6, 1)
    np.testing.assert_array_equal(center_crop(video, (3, 2)), video[:, 1:4, 2:4])
    rng = np.random.default_rng(0)
    corners = {int(random_crop(video, (4, 5), rng)[0, 0, 0, 0]) for _ in range(50)}
    assert corners == {0, 1, 6, 7}
    with pytest.raises(ValueError, match="cannot be cropped"):
        center_crop(video, 6)
