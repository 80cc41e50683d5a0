"""Image augmentation layers over clips: the same for every frame, another for every clip."""

import functools

import keras
import numpy as np
import pytest
from test_pipeline import assert_equal, passes

from keras_videogpt.data import ArrayVideos, Augmentation, Clips, dataset
from keras_videogpt.data.augmentation import _call
from keras_videogpt.data.named_augmentations import NAMED, named_augmentation

LAYERS = {
    **NAMED,
    "flip both ways": lambda: keras.layers.RandomFlip(),
    "shear": lambda: keras.layers.RandomShear(0.3, 0.3),
    "grayscale": lambda: keras.layers.RandomGrayscale(0.5),
    "invert": lambda: keras.layers.RandomInvert(1.0),
    "posterize": lambda: keras.layers.RandomPosterization(4),
    "sharpness": lambda: keras.layers.RandomSharpness(0.9),
    "blur": lambda: keras.layers.RandomGaussianBlur(0.9, 5, 1.0),
    "erase": lambda: keras.layers.RandomErasing(1.0),
    "jitter": lambda: keras.layers.RandomColorJitter((0, 255), 0.2, 0.2, (0.3, 0.7), 0.1),
    "randaugment": lambda: keras.layers.RandAugment(),
}


@functools.cache
def layer_named(name):
    return LAYERS[name]()


@pytest.fixture
def still(clip):
    """Three equal frames."""
    return np.repeat(clip(1, 12, 16), 3, axis=0)


@pytest.mark.parametrize("name", LAYERS)
def test_equal_frames_stay_equal_and_seeds_differ(still, name):
    augment = Augmentation(layer_named(name))
    augmented = [augment(still, seed) for seed in range(6)]
    for video in augmented:
        assert video.dtype == np.uint8 and video.shape == still.shape
        np.testing.assert_array_equal(video, np.repeat(video[:1], 3, axis=0))
    assert any((video != still).any() for video in augmented)
    assert len({video.tobytes() for video in augmented}) > 1 or name == "invert"
    np.testing.assert_array_equal(augment(still, 5), augmented[5])


@pytest.mark.parametrize("name", ["flip", "shift", "rotate", "zoom", "shear", "hue", "saturation"])
def test_all_frames_at_once_are_what_each_would_be_alone(clip, name):
    video, layer = clip(3, 12, 16), layer_named(name)
    for seed in range(3):
        drawn = np.random.default_rng(seed).integers(2**31)
        alone = np.stack([_call(layer, frame, drawn) for frame in video])
        together = Augmentation(layer)(video, seed)
        np.testing.assert_allclose(together, np.clip(alone, 0, 255), atol=0.51)


def test_a_flip_mirrors_whole_clips_and_half_of_them(clip):
    augment, video = named_augmentation(["flip"]), clip(3, 12, 16)
    mirrored = 0
    for seed in range(40):
        result = augment(video, seed)
        mirrored += bool((result == video[:, :, ::-1]).all())
        assert (result == video).all() or (result == video[:, :, ::-1]).all()
    assert 10 <= mirrored <= 30


def test_several_layers_follow_one_another_and_draw_independently(still):
    flip, invert = keras.layers.RandomFlip("horizontal"), keras.layers.RandomInvert(0.5)
    augment = Augmentation([flip, invert])
    videos = (still, still[:, :, ::-1], 255 - still, 255 - still[:, :, ::-1])
    wanted = {video.tobytes() for video in videos}
    assert {augment(still, seed).tobytes() for seed in range(40)} == wanted


@pytest.fixture
def store(clip):
    return ArrayVideos([clip(9, 12, 16, seed=i) for i in range(5)], labels=range(5))


def test_both_pipelines_augment_alike_and_each_epoch_anew(store):
    pytest.importorskip("tensorflow", reason="compares with tf.data")
    clips = Clips(store, num_frames=3, size=12, start="first")
    options = dict(batch_size=2, augment=keras.layers.RandomTranslation(0.3, 0.3))
    with_tf = passes(dataset(clips, pipeline="tf.data", **options), 2)
    without = passes(dataset(clips, pipeline="pydataset", **options), 2)
    assert_equal(with_tf, without)
    plain = passes(dataset(clips, 2, pipeline="pydataset"), 2)
    for augmented, same, other in zip(with_tf[:3], plain[:3], with_tf[3:], strict=True):
        np.testing.assert_array_equal(augmented["label"], same["label"])
        assert (augmented["video"] != same["video"]).any()
        assert (augmented["video"] != other["video"]).any()


def test_a_clip_depends_on_seed_epoch_and_index_and_not_on_what_was_read_before(store):
    options = dict(num_frames=3, size=12, augment=keras.layers.RandomHue(0.5))
    one, other = Clips(store, seed=1, **options), Clips(store, seed=1, **options)
    other.get(3, 2)
    np.testing.assert_array_equal(one.get(2, 4)["video"], other.get(2, 4)["video"])
    assert (one.get(2, 4)["video"] != Clips(store, seed=2, **options).get(2, 4)["video"]).any()


def test_what_mirrors_is_refused_where_there_are_actions(clip):
    store = ArrayVideos([clip(9, 12, 16)], actions=[np.ones((9, 2), "float32")])
    with pytest.raises(ValueError, match="must not mirror videos with actions"):
        Clips(store, 3, 12, augment=keras.layers.RandomFlip("horizontal"))
    clips = Clips(store, 3, 12, augment=keras.layers.RandomFlip("vertical"))
    assert clips[0]["actions"].shape == (3, 2)
    with pytest.raises(ValueError, match="must not mirror"):
        dataset(clips, 1, augment=named_augmentation(["zoom", "flip"]))


def test_layers_that_cannot_be_used_are_refused(still):
    with pytest.raises(ValueError, match="mixes several"):
        Augmentation(keras.layers.MixUp())
    with pytest.raises(ValueError, match="from 0 to 255"):
        Augmentation([keras.layers.RandomBrightness(0.1, value_range=(0, 1))])
    with pytest.raises(ValueError, match="a Keras layer"):
        Augmentation([])
    with pytest.raises(ValueError, match="keep the size"):
        Augmentation(keras.layers.CenterCrop(4, 4))(still, 0)
    with pytest.raises(ValueError, match="flip, shift"):
        named_augmentation(["mirror"])
