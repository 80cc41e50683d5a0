import dataclasses
import json

import pytest

from keras_videogpt.metrics.networks.i3d import PREPROCESSING
from keras_videogpt.metrics.protocol import PROTOCOLS, get_protocol


def test_every_protocol_says_who_measures_so_and_is_found_by_its_name():
    for name, protocol in PROTOCOLS.items():
        assert get_protocol(name) is protocol and protocol.name == name
        assert protocol.source.startswith("github.com/") and len(protocol.notes) > 50
        assert protocol.preprocessing in PREPROCESSING
        assert json.loads(json.dumps(dataclasses.asdict(protocol)))["name"] == name
    assert get_protocol(protocol) is protocol


def test_protocols_differ_in_what_decides_the_number():
    decisive = [
        (p.real_count, p.fake_count, p.preprocessing, p.epsilon, p.biased, p.trials)
        for p in PROTOCOLS.values()
    ]
    assert len(set(decisive)) == len(PROTOCOLS) == 5
    paper = PROTOCOLS["videogpt-paper"]
    assert (paper.real_count, paper.fake_count, paper.trials) == (256, 256, 10)
    assert [name for name, p in PROTOCOLS.items() if p.biased] == ["stylegan-v"]


def test_own_counts_are_in_the_name_and_nothing_else_changes():
    own = get_protocol("magvit").with_counts(64, 32, trials=2, num_frames=9)
    assert own.name == "magvit, 64 against 32, 2 trials, 9 frames"
    assert (own.real_count, own.fake_count, own.trials, own.num_frames) == (64, 32, 2, 9)
    same = dict.fromkeys(("name", "real_count", "fake_count", "trials", "num_frames"))
    assert dataclasses.asdict(own) | same == dataclasses.asdict(PROTOCOLS["magvit"]) | same


def test_names_do_not_pile_up():
    own = get_protocol("videogpt").with_counts(72).with_counts(30, trials=1)
    assert own.name == "videogpt, 30 against 30"
    assert own.with_counts(256) == PROTOCOLS["videogpt"]


def test_a_protocol_of_one_s_own_keeps_what_its_name_is_against():
    own = dataclasses.replace(PROTOCOLS["tats"], name="mine, too", real_count=100, fake_count=100)
    few = own.with_counts(10).with_counts(10, trials=2)
    assert few.name == "mine, too, 10 against 10, 2 trials"
    assert few.with_counts(100, trials=1) == own
    renamed = dataclasses.replace(few, name="other", biased=True)
    assert renamed.with_counts(8).name == "other, 8 against 8"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preprocessing": "crop"}, "preprocessing must be one of .*'stretch'.*; got 'crop'"),
        ({"epsilon": 0.0}, "epsilon must be a positive number; got 0.0"),
        ({"epsilon": "1e-3"}, "epsilon must be a positive number; got '1e-3'"),
    ],
)
def test_a_preprocessing_that_i3d_has_not_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PROTOCOLS["tats"], **change)


def test_wrong_names_and_counts_are_refused():
    with pytest.raises(ValueError, match="one of .*'videogpt-paper'.*; got 'fvd'"):
        get_protocol("fvd")
    with pytest.raises(ValueError, match="at least 2; got 8 and 1"):
        get_protocol("tats").with_counts(8, 1)
    with pytest.raises(ValueError, match="trials must be a positive integer; got 0"):
        get_protocol("tats").with_counts(8, trials=0)
