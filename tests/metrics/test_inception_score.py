import json
import math

import keras
import numpy as np
import pytest

from keras_videogpt.metrics.inception_score import inception_score, video_inception_score
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork

RNG = np.random.default_rng(0)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def score(p):
    """As Salimans et al. write it, for probabilities above zero."""
    return math.exp(np.mean([sum(row * np.log(row / p.mean(axis=0))) for row in p]))


def test_it_is_one_where_the_classifier_never_knows():
    assert inception_score(np.full((12, 5), 0.2), splits=3) == pytest.approx((1, 0), abs=1e-12)


def test_it_is_the_number_of_classes_where_all_are_sure_and_evenly_many():
    one_hot = np.tile(np.eye(7), (4, 1))
    assert inception_score(one_hot, splits=4) == pytest.approx((7, 0), abs=1e-12)


def test_it_is_one_where_all_are_sure_of_the_same_class():
    assert inception_score(np.tile([0.0, 1.0, 0.0], (6, 1)), splits=1)[0] == pytest.approx(1)


def test_two_classes_give_what_is_worked_out_by_hand():
    # Each row is KL((.9, .1) || (.5, .5)) = ln 2 - H(.9), with H in nats.
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    mean, std = inception_score(np.array([[0.9, 0.1], [0.1, 0.9]]), splits=1)
    assert mean == pytest.approx(2 * math.exp(-entropy), rel=1e-12)
    assert std == 0


def test_parts_follow_one_another_in_order():
    p = softmax(3 * RNG.standard_normal((23, 6)))
    parts = [score(p[i * 23 // 4 : (i + 1) * 23 // 4]) for i in range(4)]
    expected = (np.mean(parts), np.std(parts))
    assert inception_score(p, splits=4) == pytest.approx(expected, rel=1e-10)


def test_a_seed_shuffles_what_is_split_and_not_the_score_of_the_whole():
    p = np.repeat(softmax(3 * RNG.standard_normal((8, 6))), 5, axis=0)
    assert inception_score(p, splits=1, seed=1) == pytest.approx(inception_score(p, splits=1))
    shuffled = inception_score(p, splits=8, seed=1)
    assert shuffled == inception_score(p, splits=8, seed=1)
    # In order, each part holds five times the same row.
    assert inception_score(p, splits=8)[0] == pytest.approx(1)
    assert shuffled[0] > 1.1


def test_logits_count_as_their_softmax_however_large():
    logits = (5 * RNG.standard_normal((20, 9))).astype("float32")
    expected = inception_score(softmax(logits.astype("float64")), splits=2)
    assert inception_score(logits, splits=2, logits=True) == pytest.approx(expected, rel=1e-10)
    sure = 1e6 * np.eye(9)
    assert inception_score(sure, splits=1, logits=True)[0] == pytest.approx(9)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (np.ones(3), {}, "probabilities must be .* got shape"),
        (np.ones((0, 3)), {}, "probabilities must be .* got shape"),
        (np.array([[0.5, np.nan], [0.5, 0.5]]), {}, "probabilities must be finite; 1 of 2 rows"),
        (np.array([[1.5, -0.5]]), {}, "probabilities must be at least 0"),
        (np.ones((2, 3)), {}, "add up to 1 .* 3 to 3. Pass logits=True"),
        (np.array([[np.inf, 0.0]]), {"logits": True}, "as logits"),
        (np.eye(3), {"splits": 4}, "splits must be from 1 to the 3 videos; got 4"),
        (np.eye(3), {"splits": 0}, "splits must be a positive integer; got 0"),
        (np.eye(3), {"splits": 2.0}, "splits must be a positive integer; got 2.0"),
        (np.eye(3), {"seed": -1}, "seed must be a non-negative integer or None; got -1"),
        (np.eye(3), {"seed": 1.5}, "seed must be .*; got 1.5"),
    ],
)
def test_what_is_no_score_is_refused(rows, options, said):
    with pytest.raises(ValueError, match=said):
        inception_score(rows, **{"splits": 1, **options})


@pytest.fixture(scope="module")
def colours():
    """A classifier of three classes, whose logits are 20 times the mean colour."""
    inputs = keras.Input((None, None, None, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling3D()(20 * inputs))
    return FeatureNetwork(model, lambda videos: videos.astype("float32") / 255, name="colours")


def test_videos_are_scored_by_their_classifier_with_all_that_decides_it(colours):
    videos = np.zeros((9, 2, 4, 4, 3), "uint8")
    for i, video in enumerate(videos):
        video[..., i % 3] = 255
    result = video_inception_score(videos, colours, count=6, splits=2, batch_size=4)
    assert result.mean == pytest.approx(3, rel=1e-4)
    assert result.std == pytest.approx(0, abs=1e-6)
    assert (result.count, result.splits) == (6, 2)
    assert (result.classifier, result.weights_hash) == ("colours", colours.weights_hash)
    assert float(result) == result.mean
    assert json.loads(json.dumps(result.to_dict()))["mean"] == result.mean
    assert str(result).startswith("IS 3.00 +- 0.00 (6 videos in 2 splits, colours ")


def test_wrong_arguments_are_named_before_any_video_is_classified(colours, monkeypatch):
    def features(videos, batch_size):
        raise AssertionError("videos were classified")

    monkeypatch.setattr(colours, "features", features)
    videos = np.zeros((9, 2, 4, 4, 3), "uint8")
    for source, options, message in (
        (videos, {}, "splits must be from 1 to the 9 videos; got 10"),
        (list(videos), {}, "splits must be from 1 to the 9 videos; got 10"),
        (iter(videos), {"count": 8, "splits": 9}, "from 1 to the 8 videos; got 9"),
        (iter(videos), {"splits": 0}, "splits must be a positive integer; got 0"),
        (videos, {"splits": 1, "seed": -1}, "seed must be a non-negative integer"),
        ("videos", {"splits": 1}, "videos must be clips.*; got 'videos'"),
    ):
        with pytest.raises(ValueError, match=message):
            video_inception_score(source, colours, **options)
    with pytest.raises(ValueError, match="classifier must be a FeatureNetwork.*; got 'c3d'"):
        video_inception_score(videos, "c3d", splits=1)
