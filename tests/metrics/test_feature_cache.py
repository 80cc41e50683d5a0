import json

import keras
import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.data.prepared import cache_folder
from keras_videogpt.metrics.feature_cache import FeatureCache, clip_key, open_cache
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.random_network import random_network
from keras_videogpt.metrics.video_features import video_features

VIDEOS = np.random.default_rng(0).integers(0, 256, (7, 2, 8, 8, 3), "uint8")
RECORD = 16 + 4 * 12 + 4


@pytest.fixture(scope="module")
def network():
    return random_network(width=2)


@pytest.fixture
def computed(network, monkeypatch):
    """The sizes of the batches that the network computes."""
    sizes, original = [], network.features

    def features(videos, batch_size=8):
        sizes.append(len(videos))
        return original(videos, batch_size)

    monkeypatch.setattr(network, "features", features)
    return sizes


def run(videos, network, cache=None, **options):
    return video_features(videos, network, cache=cache, batch_size=3, progress=False, **options)


def test_clips_are_computed_once(network, computed, tmp_path):
    expected = network.features(VIDEOS)
    computed.clear()
    first = run(VIDEOS, network, tmp_path)
    assert computed == [3, 3, 1]
    np.testing.assert_allclose(first, expected, rtol=1e-5)
    again = run(Clips(ArrayVideos(VIDEOS), 2, 8, start="first"), network, tmp_path)
    assert computed == [3, 3, 1]
    np.testing.assert_array_equal(again, first)


def test_only_what_is_missing_is_computed_in_full_batches(network, computed, tmp_path):
    known = run(VIDEOS[::2], network, tmp_path)
    computed.clear()
    rows = run(VIDEOS, network, tmp_path)
    assert computed == [3]
    np.testing.assert_array_equal(rows[::2], known)
    np.testing.assert_allclose(rows, network.features(VIDEOS), rtol=1e-5)


@pytest.mark.parametrize("cut", [1, RECORD - 1])
def test_a_cut_off_last_record_is_computed_again_and_repaired(network, computed, tmp_path, cut):
    expected = run(VIDEOS, network, tmp_path)
    path = FeatureCache(tmp_path, network).path
    content = path.read_bytes()
    assert len(content) == 7 * RECORD
    path.write_bytes(content[:-cut])
    computed.clear()
    np.testing.assert_allclose(run(VIDEOS, network, tmp_path), expected, rtol=1e-5)
    assert computed == [1]
    assert len(path.read_bytes()) == 7 * RECORD
    np.testing.assert_allclose(run(VIDEOS, network, tmp_path), expected, rtol=1e-5)
    assert computed == [1]


def test_damaged_records_are_computed_again(network, computed, tmp_path):
    expected = run(VIDEOS, network, tmp_path)
    path = FeatureCache(tmp_path, network).path
    content = bytearray(path.read_bytes())
    content[2 * RECORD + 20] ^= 1  # a feature of the third clip
    path.write_bytes(content)
    computed.clear()
    for _ in range(2):
        np.testing.assert_allclose(run(VIDEOS, network, tmp_path), expected, rtol=1e-5)
    assert computed == [1]


def test_networks_have_files_of_their_own_which_say_whose_they_are(network, tmp_path):
    other = random_network(seed=1, width=2)
    for one in (network, other):
        run(VIDEOS[:2], one, tmp_path)
    paths = {FeatureCache(tmp_path, one).path for one in (network, other)}
    assert set(tmp_path.glob("*.features")) == paths and len(paths) == 2
    described = json.loads(FeatureCache(tmp_path, other).path.with_suffix(".json").read_text())
    assert described == other.identity()
    with pytest.raises(ValueError, match="cache must be of the network"):
        run(VIDEOS, network, FeatureCache(tmp_path, other))


def colours(scale=1, settings=None):
    """Mean colours: the scale is no weight and in no name."""
    inputs = keras.Input((None, None, None, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling3D()(inputs))
    return FeatureNetwork(model, lambda videos: videos * float(scale), "colours", settings=settings)


def test_features_of_another_preprocessing_are_never_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VIDEOGPT_CACHE", str(tmp_path))
    for settings in ([None, None], [{"scale": 1}, {"scale": 2}]):
        one, two = (
            run(VIDEOS, colours(*args), True) for args in zip((1, 2), settings, strict=True)
        )
        np.testing.assert_allclose(two, 2 * one, rtol=1e-5)
    assert len(list(tmp_path.glob("features/*.features"))) == 2


def test_a_network_without_settings_has_no_cache_and_says_so(tmp_path):
    assert open_cache(True, colours()) is None
    kept = FeatureCache(tmp_path, colours(settings={}))
    for cache in (tmp_path / "other", kept):
        with pytest.raises(ValueError, match="cache: colours must have settings"):
            open_cache(cache, colours())
    assert open_cache(kept, colours(settings={})) is kept
    assert not (tmp_path / "other").exists()


def test_rows_stay_in_the_file_until_they_are_asked_for(network, tmp_path):
    expected = run(VIDEOS, network, tmp_path)
    cache = FeatureCache(tmp_path, network)
    assert len(cache) == 7
    keys = [clip_key(clip) for clip in VIDEOS]
    np.testing.assert_array_equal([cache.get(key) for key in keys], expected)
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[RECORD:])  # each record at another's place, the last gone
    assert [cache.get(key) for key in keys] == [None] * 7
    cache.path.unlink()
    assert cache.get(keys[0]) is None
    cache.add(keys[:1], expected[:1])
    np.testing.assert_array_equal(cache.get(keys[0]), expected[0])
    assert len(cache) == 7


def test_clips_of_equal_bytes_and_other_shapes_are_told_apart():
    clip = VIDEOS[0]
    assert clip_key(clip) == clip_key(np.asfortranarray(clip))
    assert clip_key(clip) != clip_key(clip.reshape(1, 16, 8, 3))
    assert len({clip_key(one) for one in VIDEOS}) == 7


def test_the_usual_folder_is_that_of_the_environment(network, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VIDEOGPT_CACHE", str(tmp_path))
    assert open_cache(True, network).folder == tmp_path / "features"
    assert cache_folder() == tmp_path  # of all else that is remembered too
    monkeypatch.delenv("KERAS_VIDEOGPT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_cache(True, network).folder == tmp_path / ".cache/keras_videogpt/features"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_costs_a_warning_and_no_features(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="Features of clips are not kept"):
        rows = run(VIDEOS, network, tmp_path / "file")
    assert rows.shape == (7, 12)


def test_a_cache_in_use_is_not_emptied_by_another_process(network, computed, tmp_path):
    first, second = FeatureCache(tmp_path, network), FeatureCache(tmp_path, network)
    run(VIDEOS[:3], network, first)
    run(VIDEOS[3:], network, second)
    computed.clear()
    run(VIDEOS, network, tmp_path)
    assert computed == []


def test_a_count_takes_the_first_and_too_few_are_named(network, computed):
    assert run(VIDEOS, network, count=4).shape == (4, 12) and computed == [3, 1]
    with pytest.raises(ValueError, match="test clips: 8 clips are needed; there are 7"):
        run(VIDEOS, network, count=8, name="test clips")
    with pytest.raises(ValueError, match="videos: 1 clip is needed; there are 0"):
        run(VIDEOS[:0], network)
