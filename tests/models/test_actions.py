"""Priors conditioned on actions: which codes see which of them."""

import numpy as np
import pytest
from checks import random_codes, randomize, small_gpt, small_vqvae

import keras_videogpt as kvg

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def vqvae():
    """Six frames of 8 x 8 pixels as three latent frames of 2 x 2 codes."""
    return small_vqvae(video_shape=(6, 8, 8, 3), downsample=(2, 4, 4), hidden_units=8)


def random_gpt(vqvae, conditioning="frame", **options):
    action_shape = options.pop("action_shape", (6, 2))
    gpt = small_gpt(vqvae, action_shape=action_shape, action_conditioning=conditioning, **options)
    randomize(gpt)
    return gpt


@pytest.fixture(scope="module")
def gpt(vqvae):
    return random_gpt(vqvae)


def random_actions(count=2):
    return RNG.normal(size=(count, 6, 2)).astype("float32")


def moved_by(gpt, action, **labels):
    """The latent frames whose logits change when one action does."""
    codes, actions = random_codes(gpt, 2), random_actions()
    changed = actions.copy()
    changed[:, action] += 1
    one = gpt.logits(codes, actions=actions, **labels)
    other = gpt.logits(codes, actions=changed, **labels)
    difference = np.abs(one - other).max(axis=(0, 2, 3, 4))
    assert ((difference > 1e-3) | (difference == 0)).all()
    return np.flatnonzero(difference).tolist()


# Latent frame 0 stands for frames 0 and 1, to which action 0 leads.
SEEN_FROM = {0: [0, 1, 2], 1: [1, 2], 2: [1, 2], 3: [2], 4: [2], 5: []}


@pytest.mark.parametrize("attention", ["full", "sparse"])
def test_an_action_moves_the_latent_frames_it_leads_to_and_later_ones(attention, vqvae):
    gpt = random_gpt(vqvae, attention=attention, block_size=4)
    assert {action: moved_by(gpt, action) for action in range(6)} == SEEN_FROM


def test_with_classes_too_actions_are_causal_and_classes_reach_all(vqvae):
    gpt = random_gpt(vqvae, num_classes=3, condition_dropout=0.1)
    labels = np.array([0, 2])
    assert {action: moved_by(gpt, action, labels=labels) for action in range(6)} == SEEN_FROM
    codes, actions = random_codes(gpt, 2), random_actions()
    one = gpt.logits(codes, actions=actions, labels=labels)
    other = gpt.logits(codes, actions=actions, labels=labels[::-1])
    assert (np.abs(one - other).max(axis=(2, 3, 4)) > 1e-3).all()


def test_actions_of_a_clip_move_all_of_it_but_the_last_does_nothing(vqvae):
    gpt = random_gpt(vqvae, "clip")
    seen = {action: moved_by(gpt, action) for action in range(6)}
    assert seen == {**dict.fromkeys(range(5), [0, 1, 2]), 5: []}


def test_what_is_sampled_up_to_a_frame_does_not_change_with_later_actions(gpt):
    options = {"seed": 0, "progress": False, "return_codes": True}
    actions = random_actions(8)
    _, codes = kvg.sample(gpt, 8, actions=actions, **options)
    for last_frame in (1, 3, 5):
        others = actions.copy()
        others[:, last_frame:] = 3 * random_actions(8)[:, last_frame:]
        _, changed = kvg.sample(gpt, 8, actions=others, **options)
        until = (last_frame + 1) // 2
        np.testing.assert_array_equal(changed[:, :until], codes[:, :until])
        assert until == 3 or (changed[:, until] != codes[:, until]).any()


def test_discrete_actions_are_the_continuous_ones_of_their_one_hot_vectors(vqvae):
    discrete = random_gpt(vqvae, action_shape=(6, 2), num_actions=3)
    alone = random_gpt(vqvae, action_shape=(6,), num_actions=3)
    continuous = random_gpt(vqvae, action_shape=(6, 6))
    codes, actions = random_codes(discrete, 2), RNG.integers(0, 3, (2, 6, 2))
    one_hot = np.eye(3, dtype="float32")[actions]
    np.testing.assert_allclose(
        discrete.logits(codes, actions=actions),
        continuous.logits(codes, actions=one_hot.reshape(2, 6, 6)),
        atol=1e-5,
    )
    shapes = [gpt.blocks[0].attention_norm.gain_kernel.shape[0] for gpt in (discrete, alone)]
    assert shapes == [2 * 2 * 3, 2 * 3]


def test_the_vector_of_a_clip_has_the_size_of_the_paper_s():
    # Table 9: 60 numbers for ViZDoom, 15 actions of 4 buttons between 16 frames.
    vqvae = small_vqvae(video_shape=(16, 8, 8, 3), downsample=(2, 8, 8), hidden_units=8)
    gpt = small_gpt(vqvae, action_shape=(16, 4))
    assert gpt.blocks[0].attention_norm.gain_kernel.shape == (60, 20)


def test_continuous_actions_are_not_rounded_in_mixed_precision(vqvae):
    gpt = random_gpt(vqvae, dtype="mixed_bfloat16")
    for block in gpt.blocks:
        randomize(block.attention_norm, scale=300)
    codes, actions = random_codes(gpt, 1), np.ones((1, 6, 2), "float32")
    close = actions * np.float32(1 + 2**-12)  # the same in bfloat16
    assert (gpt.logits(codes, actions=actions) != gpt.logits(codes, actions=close)).any()


@pytest.mark.parametrize(
    "actions, message",
    [
        (np.zeros((2, 5, 2)), r"actions must have shape \(B, 6, 2\); got \(2, 5, 2\)"),
        (np.zeros((2, 6, 3)), r"actions must have shape \(B, 6, 2\); got \(2, 6, 3\)"),
        (np.zeros((2, 6)), r"actions must have shape \(B, 6, 2\); got \(2, 6\)"),
        (np.zeros((2, 6, 2), "int64"), "actions must be floats; got int64"),
        (np.full((2, 6, 2), np.nan), "actions must be finite"),
        (np.zeros((3, 6, 2)), "actions must be of 2 clips; got 3"),
        (None, r"actions must be given: .* on continuous actions, \(6, 2\) of each clip"),
    ],
)
def test_wrong_actions_are_an_error_that_says_what_is_taken(actions, message, gpt):
    with pytest.raises(ValueError, match=message):
        gpt.logits(random_codes(gpt, 2), actions=actions)
    with pytest.raises(ValueError, match=message):
        kvg.sample(gpt, 2, actions=actions, progress=False)


def test_wrong_discrete_actions_are_an_error(vqvae):
    gpt = random_gpt(vqvae, action_shape=(6,), num_actions=3)
    codes = random_codes(gpt, 1)
    for actions, message in (
        (np.full((1, 6), 3), r"actions must lie in \[0, 2\]; got values in \[3, 3\]"),
        (np.zeros((1, 6)), "actions must be integers, below 3; got float64"),
    ):
        with pytest.raises(ValueError, match=message):
            gpt.logits(codes, actions=actions)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"action_shape": (5, 2)}, r"action_shape must be \(6, A\), .* got \(5, 2\)"),
        ({"action_shape": (6,)}, r"action_shape must be \(6, A\), .* got \(6,\)"),
        ({"action_shape": (6, 0)}, r"action_shape\[1\] must be a positive integer; got 0"),
        ({"action_shape": (6, 2, 2), "num_actions": 3}, r"\(6, A\) or \(6,\), .* got \(6, 2, 2\)"),
        ({"num_actions": 3}, "num_actions=3 needs an action_shape; got None"),
        ({"action_shape": (6, 2), "num_actions": 0}, "num_actions must be a positive integer"),
        ({"action_shape": 2}, r"action_shape must be \(6, A\); got 2"),
        ({"action_conditioning": "frame"}, "action_conditioning='frame' needs an action_shape"),
        ({"action_conditioning": "code"}, "action_conditioning must be one of .'clip', 'frame'."),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_names_it(options, message, vqvae):
    with pytest.raises(ValueError, match=message):
        small_gpt(vqvae, **options)
