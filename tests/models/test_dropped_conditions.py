"""Conditions dropped in training, priors asked without them, and guidance."""

import keras
import numpy as np
import pytest
from checks import random_codes, randomize, small_gpt, small_vqvae
from keras import ops

import keras_videogpt as kvg
from keras_videogpt.sampling.draw import uniform_numbers

OPTIONS = {"num_classes": 3, "action_shape": (4, 2), "embedding_shape": (5, 6)}


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


@pytest.fixture(scope="module")
def gpt(vqvae):
    gpt = small_gpt(vqvae, condition_dropout=0.4, **OPTIONS)
    randomize(gpt)
    return gpt


def given(count=2):
    rng = np.random.default_rng(1)
    return {
        "labels": np.arange(count) % 3,
        "actions": rng.normal(size=(count, 4, 2)).astype("float32"),
        "embeddings": rng.normal(size=(count, 5, 6)).astype("float32"),
    }


def codes_of(gpt, n=4, **options):
    _, codes = kvg.sample(gpt, n, return_codes=True, progress=False, **{"seed": 0, **options})
    return codes


def test_conditions_of_a_clip_are_dropped_each_by_itself_in_training_only(gpt):
    count = 2000
    batch = gpt.conditions.given(count, **given(count))
    encoded = gpt.condition_encoder(batch, training=True)
    label, action = (encoded["condition"][:, i:j] for i, j in ((0, 3), (-1, None)))
    kept = np.stack(
        [
            ops.convert_to_numpy(label).sum(axis=1),
            ops.convert_to_numpy(action)[:, 0],
            ops.convert_to_numpy(encoded["memory_mask"])[:, 1:].mean(axis=1),
        ]
    )
    assert set(np.unique(kept)) == {0, 1}
    np.testing.assert_allclose(kept.mean(axis=1), 0.6, atol=0.05)
    assert np.abs(np.corrcoef(kept) - np.eye(3)).max() < 0.1
    assert ops.convert_to_numpy(encoded["memory_mask"])[:, 0].all()
    whole = gpt.condition_encoder(batch, training=False)
    assert ops.convert_to_numpy(whole["memory_mask"]).all()
    assert (ops.convert_to_numpy(whole["condition"])[:, -1] == 1).all()


def test_a_resumed_run_drops_what_it_would_have_dropped(gpt, tmp_path):
    batch = gpt.conditions.given(16, **given(16))
    gpt.condition_encoder(batch, training=True)
    gpt.save(tmp_path / "gpt.keras")
    copy = kvg.load(tmp_path / "gpt.keras")
    masks = [
        ops.convert_to_numpy(model.condition_encoder(batch, training=True)["memory_mask"])
        for model in (gpt, copy)
    ]
    np.testing.assert_array_equal(*masks)


def test_without_a_condition_its_value_does_nothing(gpt):
    codes, conditions = random_codes(gpt, 2), given()
    everything, nothing = gpt.logits(codes, **conditions), gpt.logits(codes)
    for name in conditions:
        rest = {key: value for key, value in conditions.items() if key != name}
        some = gpt.logits(codes, **rest)
        assert np.abs(some - everything).max() > 1e-3 and np.abs(some - nothing).max() > 1e-3
    # Zeros are not the same as none.
    zeros = gpt.logits(codes, actions=np.zeros((2, 4, 2)))
    assert np.abs(zeros - nothing).max() > 1e-3


def test_guidance_draws_from_the_logits_beyond_the_condition(gpt):
    conditions, weight = given(4), 2.5
    codes = codes_of(gpt, guidance=weight, **conditions)
    with_them, without = gpt.logits(codes, **conditions), gpt.logits(codes)
    logits = (without + weight * (with_them - without)).astype("float64")
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True)).reshape(4, gpt.length, -1)
    cumulative = np.cumsum(weights, axis=-1) / weights.sum(axis=-1, keepdims=True)
    uniform = uniform_numbers(0, 0, 4, gpt.length).T
    expected = (cumulative <= uniform[..., None]).sum(axis=-1)
    assert (codes.reshape(4, -1) == expected).mean() >= 0.98


def test_guidance_of_1_is_none_and_of_0_is_without_conditions(gpt, monkeypatch):
    conditions = given(4)
    without = codes_of(gpt)
    np.testing.assert_array_equal(codes_of(gpt, guidance=0.0, **conditions), without)
    plain = codes_of(gpt, **conditions)
    assert (plain != without).any()
    monkeypatch.setattr("keras_videogpt.sampling.step.with_and_without", None)  # not called
    np.testing.assert_array_equal(codes_of(gpt, guidance=1, **conditions), plain)


def test_guidance_makes_up_for_weak_conditions(vqvae):
    """A label shifts the odds of every code; guidance shifts them further."""
    gpt = small_gpt(vqvae, num_classes=2, condition_dropout=0.2)
    gpt.compile(optimizer=keras.optimizers.Adam(1e-2))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 512).astype("int32")
    told = rng.random((512, *gpt.codes_shape)) < 0.7
    codes = np.where(told, labels[:, None, None, None], 1 - labels[:, None, None, None])
    batch = {"codes": codes.astype("int32"), "label": labels}
    gpt.fit(batch, batch_size=64, epochs=10, verbose=0)
    labels = np.arange(16) % 2
    shares = [
        (codes_of(gpt, 16, labels=labels, guidance=w) == labels[:, None, None, None]).mean()
        for w in (1.0, 3.0)
    ]
    assert 0.55 < shares[0] < 0.85 and shares[1] > shares[0] + 0.05, shares


@pytest.mark.parametrize("guidance", [-1.0, float("nan"), float("inf")])
def test_guidance_out_of_range_is_an_error(guidance, gpt):
    with pytest.raises(ValueError, match="guidance must be 0 or more; got"):
        kvg.sample(gpt, 1, guidance=guidance, progress=False)


def test_guidance_needs_a_prior_trained_for_it(vqvae):
    gpt = small_gpt(vqvae, num_classes=3)
    with pytest.raises(ValueError, match="guidance must be 1 for a prior trained without cond"):
        kvg.sample(gpt, 1, labels=[0], guidance=2.0, progress=False)
