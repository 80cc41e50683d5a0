import importlib
import json

import keras
import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips, dataset
from keras_videogpt.metrics.frechet import frechet_distance
from keras_videogpt.metrics.frechet_of_features import frechet_of_features
from keras_videogpt.metrics.fvd import fvd
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.protocol import get_protocol

RNG = np.random.default_rng(0)
VIDEOS = RNG.integers(0, 256, (24, 2, 8, 8, 3), "uint8")
REAL, FAKE = VIDEOS[:14], VIDEOS[14:] // 2
ROWS = RNG.standard_normal((40, 3))
PROTOCOL = get_protocol("videogpt").with_counts(4, num_frames=2)
SIZE = {"num_frames": 2, "resolution": (64, 96)}


@pytest.fixture(scope="module")
def network():
    """Mean colours, so that features are known."""
    model = keras.Sequential(
        [keras.Input((None, None, None, 3)), keras.layers.GlobalAveragePooling3D()]
    )
    return FeatureNetwork(
        model,
        lambda videos: np.asarray(videos, "float32"),
        "mean colour",
        "colour distance",
        settings={},
    )


def colours(videos):
    return videos.mean(axis=(1, 2, 3), dtype="float64")


def measure(real, fake, network, protocol=PROTOCOL, **options):
    return fvd(real, fake, protocol, network, batch_size=3, progress=False, **options)


def test_the_result_carries_all_that_decides_it(network, tmp_path):
    protocol = get_protocol("stylegan-v").with_counts(14, 10, num_frames=2)
    result = measure(REAL, FAKE, network, protocol, split="test", seed=7, cache=tmp_path)
    expected = frechet_distance(colours(REAL), colours(FAKE), biased=True)
    assert float(result) == pytest.approx(expected, rel=1e-4)
    found = json.loads(json.dumps(result.to_dict()))
    assert found.pop("value") == float(result)
    assert found.pop("floor") > 0
    assert found == {
        "std": None,
        "trials": 1,
        "distance": "colour distance",
        "protocol": "stylegan-v, 14 against 10, 2 frames",
        "real_count": 14,
        "fake_count": 10,
        "num_frames": 2,
        "resolution": [8, 8],
        "network": "mean colour",
        "weights_hash": network.weights_hash,
        "preprocessing": None,
        "epsilon": None,
        "biased": True,
        "split": "test",
        "seed": 7,
        "floor_count": 7,
    }
    line = str(result)
    assert line.startswith(f"colour distance {float(result):.1f} (1 trial; protocol stylegan-v, 14")
    assert "14 real, 10 fake clips of 2 frames of 8x8; mean colour" in line
    assert "; biased covariances; split test; seed 7; floor" in line and "\n" not in line


@pytest.mark.parametrize(
    "source",
    [
        list,
        lambda videos: Clips(ArrayVideos(videos), 2, 8, start="first"),
        lambda videos: dataset(Clips(ArrayVideos(videos), 2, 8, start="first"), 4),
        lambda videos: dataset(Clips(ArrayVideos(videos), 2, 8), 4, pipeline="pydataset"),
        iter,
    ],
)
def test_every_source_gives_the_distance_of_the_array(source, network):
    protocol = PROTOCOL.with_counts(14, 10)
    whole = measure(REAL, FAKE, network, protocol, cache=False)
    streamed = measure(source(REAL), source(FAKE), network, protocol, cache=False)
    assert float(streamed) == pytest.approx(float(whole), rel=1e-4)


def test_any_clips_are_drawn_by_seed_where_all_can_be_read(network):
    sorted_by_colour = REAL[np.argsort(colours(REAL)[:, 0])]
    values = [
        float(measure(sorted_by_colour, FAKE, network, cache=False, floor=False, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]
    features = colours(sorted_by_colour)
    first = frechet_distance(features[:4], colours(FAKE)[:4])
    assert values[0] != pytest.approx(first, rel=1e-3)


def test_no_more_clips_are_read_than_needed(network):
    read = {"real": 0, "fake": 0}

    def stream(side, videos):
        for clip in videos:
            read[side] += 1
            yield clip

    for floor, trials, real in ((True, 1, 8), (False, 1, 4), (True, 2, 8)):
        read.update(real=0, fake=0)
        sources = stream("real", REAL), stream("fake", FAKE)
        measure(*sources, network, floor=floor, trials=trials, cache=False)
        assert read == {"real": real, "fake": 4 * trials}


def test_real_clips_are_computed_once_whatever_is_measured(network, monkeypatch, tmp_path):
    computed, original = [], network.features
    monkeypatch.setattr(
        network, "features", lambda videos, size: computed.append(len(videos)) or original(videos)
    )
    protocol = PROTOCOL.with_counts(14, 4)
    for fake, expected in ((FAKE, 14 + 4), (255 - FAKE, 4)):
        computed.clear()
        measure(REAL, fake, network, protocol, cache=tmp_path)
        assert sum(computed) == expected


def test_one_trial_compares_the_first_rows_and_the_floor_those_that_follow(network):
    result = frechet_of_features(ROWS[:20], ROWS[20:], PROTOCOL, network, **SIZE)
    assert float(result) == frechet_distance(ROWS[:4], ROWS[20:24])
    assert result.floor == frechet_distance(ROWS[:4], ROWS[4:8]) and result.floor_count == 4
    assert result.std is None and result.resolution == (64, 96)


def test_trials_pair_samples_with_the_clips_whose_conditions_they_have(network, monkeypatch):
    compared = []

    def distance(real, fake, biased):
        compared.append((real[:, 0].tolist(), fake[:, 0].tolist()))
        return float(len(compared))

    module = importlib.import_module("keras_videogpt.metrics.frechet_of_features")
    monkeypatch.setattr(module, "frechet_distance", distance)
    real, fake = (np.tile(np.arange(count)[:, None], 3) for count in (8, 18))
    protocol = PROTOCOL.with_counts(6, trials=3)
    result = frechet_of_features(real, fake, protocol, network, floor=False, **SIZE)
    conditions = np.arange(18) % 8
    for trial, (reals, fakes) in enumerate(compared):
        assert fakes == list(range(6 * trial, 6 * trial + 6))
        assert reals == conditions[fakes].tolist()
    assert (result.value, result.std) == (2.0, pytest.approx(np.std([1, 2, 3])))
    assert result.floor is None and result.floor_count is None


def test_the_result_of_trials_is_their_mean_and_deviation(network):
    protocol = PROTOCOL.with_counts(4, trials=4)
    result = frechet_of_features(ROWS[:16], ROWS[16:], protocol, network, seed=3, **SIZE)
    each = [
        frechet_distance(ROWS[4 * trial : 4 * trial + 4], ROWS[16 + 4 * trial : 20 + 4 * trial])
        for trial in range(4)
    ]
    assert float(result) == pytest.approx(np.mean(each))
    assert result.std == pytest.approx(np.std(each)) and result.trials == 4
    assert result.protocol == "videogpt, 4 against 4, 4 trials, 2 frames" and result.seed == 3
    assert "+-" in str(result) and "4 trials" in str(result)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"real": ROWS[:, :2]}, "real must be features of mean colour, .N, 3.; got shape .40, 2."),
        ({"fake": np.where(ROWS > 2, np.nan, ROWS)}, "fake must be finite; . of 40 rows are not"),
        ({"num_frames": 9}, "has clips of 2 frames; real has 9"),
    ],
)
def test_rows_that_are_not_the_network_s_are_refused(network, wrong, message):
    given = {"real": ROWS, "fake": ROWS} | SIZE | wrong
    with pytest.raises(ValueError, match=message):
        frechet_of_features(protocol=PROTOCOL, network=network, **given)


@pytest.mark.parametrize(("count", "floor_count"), [(8, 4), (7, 3), (4, 2)])
def test_the_floor_has_as_many_clips_as_there_are(network, count, floor_count):
    result = frechet_of_features(ROWS[:count], ROWS[20:], PROTOCOL, network, **SIZE)
    assert result.floor_count == floor_count
    expected = frechet_distance(ROWS[:floor_count], ROWS[floor_count : 2 * floor_count])
    assert result.floor == expected


def test_too_few_real_clips_for_a_floor_leave_it_out(network):
    protocol = PROTOCOL.with_counts(3)
    assert frechet_of_features(ROWS[:3], ROWS[20:], protocol, network, **SIZE).floor is None


def test_too_few_clips_are_named_before_any_is_computed(network):
    with pytest.raises(ValueError, match=r"videogpt needs 256 real clips; got 14. .*counts\(14\)"):
        measure(REAL, FAKE, network, "videogpt")
    message = r"4 trials, 2 frames needs 16 fake clips, 4 in each of 4 trials; got 10\. .*counts\(2"
    with pytest.raises(ValueError, match=message):
        measure(REAL, FAKE, network, trials=4)
    with pytest.raises(ValueError, match="needs 4 fake clips; got 3"):
        measure(REAL, iter(FAKE[:3]), network, cache=False)
    with pytest.raises(ValueError, match="needs 4 real clips; got 0"):
        measure(iter(()), FAKE, network)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"network": "i3d"}, r"network must be a FeatureNetwork, such as I3D\(\); got 'i3d'"),
        ({"network": keras.Sequential(name="mine")}, "network must be a FeatureNetwork.*name=mine"),
        ({"real": "videos"}, r"real must be clips.*got 'videos'. For a path: Clips\(open_videos\("),
        ({"fake": None}, "fake must be clips.*got None"),
        ({"fake": 5}, "fake must be clips.*got 5"),
        ({"seed": -1}, "seed must be a non-negative integer or None; got -1"),
        ({"seed": 1.5}, "seed must be .*; got 1.5"),
    ],
)
def test_arguments_that_are_wrong_are_named(network, wrong, message):
    with pytest.raises(ValueError, match=message):
        measure(**{"real": REAL, "fake": FAKE, "network": network} | wrong)


def test_a_seed_that_was_drawn_is_told(network):
    result = measure(REAL, FAKE, network, cache=False, seed=None)
    again = measure(REAL, FAKE, network, cache=False, seed=result.seed)
    assert result == again and result.seed >= 0


def test_clips_of_other_lengths_or_shapes_are_refused(network):
    with pytest.raises(ValueError, match="2 frames; fake has 3.*num_frames=3"):
        measure(REAL, np.repeat(FAKE, 2, axis=1)[:, :3], network)
    with pytest.raises(ValueError, match=r"one shape; got \(2, 8, 8, 3\) and \(2, 8, 4, 3\)"):
        measure(REAL, FAKE[:, :, :, :4], network)


def test_an_i3d_that_is_prepared_otherwise_than_the_protocol_says_is_refused(network):
    settings = {"preprocessing": "magvit", "epsilon": 1e-5}
    i3d = FeatureNetwork(network.model, network.preprocess, "I3D", "FVD", settings=settings)
    with pytest.raises(ValueError, match="preprocessing 'videogpt'; network has 'magvit'"):
        measure(REAL, FAKE, i3d)
    with pytest.raises(ValueError, match="magvit.* has epsilon 0.001; network has 1e-05"):
        frechet_of_features(ROWS, ROWS, get_protocol("magvit"), i3d, **SIZE)
    right = FeatureNetwork(
        network.model, network.preprocess, "I3D", "FVD", settings=settings | {"epsilon": 1e-3}
    )
    protocol = get_protocol("magvit").with_counts(10, trials=1, num_frames=2)
    result = measure(REAL, FAKE, right, protocol, cache=False)
    assert (result.distance, result.preprocessing, result.epsilon) == ("FVD", "magvit", 1e-3)
    assert "preprocessing magvit; epsilon 0.001" in str(result)
