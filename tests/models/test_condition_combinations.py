"""Every condition alone and together: the same numbers by step, from files, and in training."""

import numpy as np
import pytest
from checks import (
    assert_same_weights,
    random_codes,
    randomize,
    small_gpt,
    small_vqvae,
    stepped_logits,
    weights_of,
)
from keras import ops

import keras_videogpt as kvg

RNG = np.random.default_rng(0)
FRAMES = {"frame_cond": 2, "frame_encoder_depth": 18, "frame_encoder_width": 12}
CLASSES = {"num_classes": 3}
CLIP_ACTIONS = {"action_shape": (4, 2)}
FRAME_ACTIONS = {"action_shape": (4, 2), "action_conditioning": "frame"}
EMBEDDINGS = {"embedding_shape": (5, 6)}
DROPOUT = {"condition_dropout": 0.3}

COMBINATIONS = {
    "actions of a clip": CLIP_ACTIONS,
    "actions by frame": FRAME_ACTIONS,
    "embeddings": EMBEDDINGS,
    "classes, actions by frame": {**CLASSES, **FRAME_ACTIONS},
    "frames, embeddings": {**FRAMES, **EMBEDDINGS},
    "classes, actions of a clip, dropped": {**CLASSES, **CLIP_ACTIONS, **DROPOUT},
    "original norms": {**CLASSES, **FRAME_ACTIONS, "gains": "original"},
    "all, dropped": {**FRAMES, **CLASSES, **FRAME_ACTIONS, **EMBEDDINGS, **DROPOUT},
}
every = pytest.mark.parametrize("options", COMBINATIONS.values(), ids=COMBINATIONS)


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


def random_gpt(vqvae, **options):
    gpt = small_gpt(vqvae, **options)
    for layer in (gpt.unembed, gpt.norm, *gpt.blocks):
        randomize(layer)
    return gpt


def given(gpt, count=2):
    """Conditions of some clips, all that a prior takes."""
    rng = np.random.default_rng(1)
    every = {
        "frames": rng.integers(0, 256, (count, 2, 16, 16, 3)).astype("uint8"),
        "labels": rng.integers(0, 3, count),
        "actions": rng.normal(size=(count, 4, 2)).astype("float32"),
        "embeddings": rng.normal(size=(count, 5, 6)).astype("float32"),
    }
    conditions = {name: every[name] for name in gpt.conditions.taken}
    if "embeddings" in conditions:
        conditions["embedding_mask"] = np.arange(5) <= np.arange(1, count + 1)[:, None]
    return conditions


def other(conditions, name):
    """The same, but for one of them."""
    array = conditions[name]
    changed = (array + 1) % 3 if name == "labels" else array[..., ::-1] + array.dtype.type(1)
    return conditions | {name: changed}


@every
def test_steps_equal_teacher_forcing_and_every_condition_matters(options, vqvae):
    gpt = random_gpt(vqvae, **options)
    conditions, codes = given(gpt), random_codes(gpt, 2)
    logits = gpt.logits(codes, **conditions)
    stepped = stepped_logits(gpt, codes, 8, **conditions)
    np.testing.assert_allclose(stepped, logits.reshape(2, gpt.length, -1), atol=1e-4)
    for name in gpt.conditions.taken:
        changed = gpt.logits(codes, **other(conditions, name))
        assert (np.abs(changed - logits).max(axis=(1, 2, 3, 4)) > 1e-3).all()


def test_samples_do_not_depend_on_the_batch(vqvae):
    gpt = random_gpt(vqvae, **COMBINATIONS["all, dropped"])
    conditions = given(gpt, 3)
    options = {"seed": 0, "progress": False, "return_codes": True, "guidance": 1.5}
    _, codes = kvg.sample(gpt, 3, **conditions, **options)
    _, in_twos = kvg.sample(gpt, 3, **conditions, **options, batch_size=2)
    np.testing.assert_array_equal(codes, in_twos)


def test_copies_by_file_give_the_same_logits(vqvae, tmp_path):
    gpt = random_gpt(vqvae, **COMBINATIONS["all, dropped"])
    randomize(gpt.condition_encoder)
    codes, conditions = random_codes(gpt, 2), given(gpt)
    gpt.save(tmp_path / "gpt.keras")
    copy = kvg.load(tmp_path / "gpt.keras")
    assert copy.get_config()["action_shape"] == (4, 2)
    assert copy.conditions == gpt.conditions
    expected = gpt.logits(codes, **conditions)
    np.testing.assert_allclose(copy.logits(codes, **conditions), expected, atol=1e-6)
    np.testing.assert_allclose(copy.logits(codes), gpt.logits(codes), atol=1e-6)


def test_priors_of_before_there_were_more_conditions_load(vqvae):
    gpt = random_gpt(vqvae, **CLASSES)
    config = gpt.get_config()
    for name in (
        "action_shape",
        "num_actions",
        "action_conditioning",
        "embedding_shape",
        "condition_dropout",
    ):
        del config[name]
    copy = kvg.VideoGPT.from_config(config)
    copy.set_weights(gpt.get_weights())
    codes = random_codes(gpt, 1)
    expected = gpt.logits(codes, labels=[2])
    np.testing.assert_array_equal(copy.logits(codes, labels=[2]), expected)


def test_what_is_masked_of_the_embeddings_does_nothing(vqvae):
    gpt = random_gpt(vqvae, **EMBEDDINGS)
    codes, conditions = random_codes(gpt, 2), given(gpt)
    noise = np.where(conditions["embedding_mask"][..., None], conditions["embeddings"], 9)
    expected = gpt.logits(codes, **conditions)
    changed = gpt.logits(codes, **conditions | {"embeddings": noise.astype("float32")})
    np.testing.assert_allclose(changed, expected, atol=1e-6)
    whole = gpt.logits(codes, embeddings=conditions["embeddings"])
    marked = gpt.logits(codes, **conditions | {"embedding_mask": np.ones((2, 5), "bool")})
    np.testing.assert_array_equal(whole, marked)
    assert np.abs(whole - expected).max() > 1e-3
    nothing = conditions | {"embedding_mask": np.zeros((2, 5), "bool")}
    none = gpt.logits(codes, **nothing)
    np.testing.assert_allclose(
        gpt.logits(codes, **nothing | {"embeddings": noise.astype("float32")}), none, atol=1e-6
    )
    np.testing.assert_allclose(
        stepped_logits(gpt, codes, 8, **nothing), none.reshape(2, gpt.length, -1), atol=1e-4
    )


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_all_of_them_train(dtype, vqvae, videos):
    gpt = small_gpt(vqvae, dtype=dtype, **COMBINATIONS["all, dropped"])
    conditions = given(gpt, 8)
    batch = {"video": videos, "label": conditions.pop("labels"), **conditions}
    before = [ops.convert_to_numpy(weight).copy() for weight in gpt.trainable_weights]
    losses = gpt.fit(batch, batch_size=4, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[1] < losses[0]
    for weight, old in zip(gpt.trainable_weights, before, strict=True):
        assert (ops.convert_to_numpy(weight) != old).any(), weight.path
    assert_same_weights(weights_of(gpt.tokenizer), weights_of(vqvae))
    bits = gpt.bits_per_dim(videos, labels=batch["label"], **conditions)
    without_frames = {name: array for name, array in conditions.items() if name != "frames"}
    same = gpt.bits_per_dim(videos, labels=batch["label"], **without_frames, frames=videos[:, :2])
    assert bits.shape == (8,) and np.isfinite(same).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"embeddings": None}, "embedding_mask needs embeddings; got None"),
        ({"embeddings": None, "embedding_mask": None}, r"on embeddings, \(5, 6\) of each clip"),
        ({"embeddings": np.zeros((2, 4, 6))}, r"embeddings must have shape \(B, 5, 6\)"),
        ({"embeddings": np.zeros((2, 5, 6), "int64")}, "embeddings must be floats; got int64"),
        ({"embeddings": np.full((2, 5, 6), np.inf)}, "embeddings must be finite"),
        ({"embedding_mask": np.ones((2, 5))}, "embedding_mask must be bool, True for"),
        ({"embedding_mask": np.ones((2, 4), "bool")}, r"embedding_mask must have shape \(B, 5\)"),
        ({"embedding_mask": np.ones((1, 5), "bool")}, "embedding_mask must be of 2 clips; got 1"),
        ({"labels": [0, 1]}, r"it takes embeddings \(embeddings, \(5, 6\) of each clip\)"),
    ],
)
def test_a_wrong_condition_is_an_error_that_says_what_is_taken(change, message, vqvae):
    gpt = small_gpt(vqvae, **EMBEDDINGS)
    conditions = given(gpt) | change
    with pytest.raises(ValueError, match=message):
        gpt.logits(random_codes(gpt, 2), **conditions)
    with pytest.raises(ValueError, match=message):
        kvg.sample(gpt, 2, progress=False, **conditions)


def test_fit_says_what_a_batch_lacks(vqvae):
    gpt = small_gpt(vqvae, **FRAME_ACTIONS, **EMBEDDINGS)
    codes = random_codes(gpt, 2)
    with pytest.raises(ValueError, match=r"\(4, 2\) of each clip: .* must have the key 'actions'"):
        gpt.fit({"codes": codes, "embeddings": np.zeros((2, 5, 6))}, verbose=0)
    with pytest.raises(ValueError, match="must have the key 'embeddings'"):
        gpt.fit({"codes": codes, "actions": np.zeros((2, 4, 2))}, verbose=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"embedding_shape": (5,)}, r"embedding_shape must be \(L, D\); got \(5,\)"),
        ({"embedding_shape": (5, 0)}, r"embedding_shape\[1\] must be a positive integer; got 0"),
        ({"num_classes": 2, "condition_dropout": 1.0}, r"condition_dropout must be in \[0, 1\)"),
        ({"condition_dropout": 0.1}, "condition_dropout needs a condition to drop"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_names_it(options, message, vqvae):
    with pytest.raises(ValueError, match=message):
        small_gpt(vqvae, **options)


def test_kept_frames_begin_the_clips(vqvae):
    gpt = random_gpt(vqvae, **FRAMES)
    frames = given(gpt, 3)["frames"]
    options = {"frames": frames, "seed": 0, "progress": False, "batch_size": 2}
    plain = kvg.sample(gpt, 3, **options)
    kept = kvg.sample(gpt, 3, **options, keep_frames=True)
    np.testing.assert_array_equal(kept[:, :2], frames)
    np.testing.assert_array_equal(kept[:, 2:], plain[:, 2:])
    assert (plain[:, :2] != frames).any()
    options["frames"] = frames.astype("float32") / 255 - 0.5
    np.testing.assert_array_equal(kvg.sample(gpt, 3, **options, keep_frames=True), kept)
    with pytest.raises(ValueError, match="keep_frames=True needs frames"):
        kvg.sample(small_gpt(vqvae), 1, keep_frames=True, progress=False)
