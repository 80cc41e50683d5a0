"""Priors conditioned on frames and classes."""

import keras
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

import keras_videogpt as kvg

CONDITIONED = {"frame_cond": 2, "num_classes": 3, "frame_encoder_depth": 18}
CONDITIONED |= {"frame_encoder_width": 12}


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae()


@pytest.fixture(scope="module")
def gpt(vqvae):
    gpt = small_gpt(vqvae, **CONDITIONED)
    for layer in (gpt.unembed, gpt.norm, *gpt.blocks):
        randomize(layer)
    return gpt


@pytest.fixture
def batch(videos):
    return {"video": videos, "label": np.arange(8, dtype="int32") % 3}


def given(videos, count=2):
    return {"frames": videos[:count, :2], "labels": np.arange(count) % 3}


def changes(gpt, one, other):
    """Largest change of each clip's logits between two sets of conditions."""
    codes = random_codes(gpt, 2)
    return np.abs(gpt.logits(codes, **one) - gpt.logits(codes, **other)).max(axis=(1, 2, 3, 4))


def test_every_condition_moves_the_logits_of_its_own_clip_only(gpt, videos):
    conditions = given(videos)
    frames = conditions["frames"].copy()
    frames[1] = 255 - frames[1]
    for changed in ({"frames": frames}, {"labels": np.array([0, 2])}):
        first, second = changes(gpt, conditions, conditions | changed)
        assert first < 1e-6 and second > 1e-3


def test_frames_are_uint8_or_scaled(gpt, videos):
    conditions = given(videos)
    scaled = conditions["frames"].astype("float32") / 255 - 0.5
    assert changes(gpt, conditions, conditions | {"frames": scaled}).max() < 1e-5


def test_cached_logits_equal_teacher_forced_ones(gpt, videos):
    conditions, codes = given(videos), random_codes(gpt, 2)
    expected = gpt.logits(codes, **conditions).reshape(2, gpt.length, -1)
    np.testing.assert_allclose(stepped_logits(gpt, codes, 8, **conditions), expected, atol=1e-4)


def test_samples_follow_their_conditions_whatever_the_batch(gpt, videos):
    conditions = given(videos, 3)
    options = {"seed": 0, "progress": False, "return_codes": True}
    _, codes = kvg.sample(gpt, 3, **conditions, **options)
    _, singly = kvg.sample(gpt, 3, **conditions, **options, batch_size=1)
    np.testing.assert_array_equal(codes, singly)
    _, others = kvg.sample(gpt, 3, **conditions | {"labels": [0, 1, 0]}, **options)
    assert (others[:2] == codes[:2]).all() and (others[2] != codes[2]).any()


def test_codes_with_frames_train_as_their_videos_do(gpt, vqvae, batch):
    def trained(batch):
        model = kvg.VideoGPT.from_config(gpt.get_config())
        model.set_weights(gpt.get_weights())
        model.compile(optimizer=keras.optimizers.SGD(0.1))
        history = model.fit(batch, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        return model, history["loss"]

    model, losses = trained(batch)
    assert losses[1] < losses[0]
    assert_same_weights(weights_of(model.tokenizer), weights_of(gpt.tokenizer))
    encoder = model.condition_encoder.get_layer("frame_encoder")
    old = gpt.condition_encoder.get_layer("frame_encoder")
    assert any((a != b).any() for a, b in zip(weights_of(encoder), weights_of(old), strict=True))
    codes = {"codes": vqvae.encode(batch["video"]), "frames": batch["video"][:, :2]}
    of_codes, same_losses = trained(codes | {"label": batch["label"]})
    np.testing.assert_allclose(same_losses, losses, rtol=1e-5)
    assert_same_weights(weights_of(of_codes), weights_of(model), 1e-4)


def test_a_class_is_learned(vqvae):
    gpt = small_gpt(vqvae, num_classes=2)
    gpt.compile(optimizer=keras.optimizers.Adam(1e-2))
    labels = np.arange(16, dtype="int32") % 2
    codes = np.broadcast_to(labels[:, None, None, None] * 7, (16, *gpt.codes_shape)).copy()
    gpt.fit({"codes": codes, "label": labels}, batch_size=8, epochs=15, verbose=0)
    # The first code has nothing but the class to go by.
    first = gpt.logits(codes, labels=labels)[:, 0, 0, 0]
    np.testing.assert_array_equal(first.argmax(axis=-1), labels * 7)


def test_copies_by_file_give_the_same_logits(gpt, videos, tmp_path):
    codes, conditions = random_codes(gpt, 2), given(videos)
    gpt.save(tmp_path / "gpt.keras")
    np.testing.assert_allclose(
        kvg.load(tmp_path / "gpt.keras").logits(codes, **conditions),
        gpt.logits(codes, **conditions),
        atol=1e-6,
    )


def test_bits_of_videos_take_their_first_frames(gpt, vqvae, batch):
    videos, labels = batch["video"], batch["label"]
    codes = vqvae.encode(videos)
    np.testing.assert_allclose(
        gpt.bits_per_dim(videos, labels=labels),
        gpt.bits_per_dim(codes, frames=videos[:, :2], labels=labels),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frames": None}, r"frames must be given: .* first frames, \(2, 16, 16, 3\) of each"),
        ({"labels": None}, "labels must be given: .* conditioned on 3 classes"),
        ({"actions": np.zeros((2, 4, 1))}, "actions were given, but the prior is not conditioned"),
        ({"frames": np.zeros((2, 1, 16, 16, 3), "uint8")}, r"frames must have shape \(B, 2, 16"),
        ({"frames": np.full((2, 2, 16, 16, 3), 9.0)}, r"frames of floats must lie in \[-0.5, 0.5"),
        ({"labels": [0, 3]}, r"labels must lie in \[0, 2\]; got values in \[0, 3\]"),
        ({"labels": [0.0, 1.0]}, "labels must be integers; got float64"),
        ({"labels": [-1, 0]}, r"labels must lie in \[0, 2\]; got values in \[-1, 0\]"),
        ({"labels": np.array([0, 3])}, r"labels must lie in \[0, 2\]"),
        ({"labels": 1}, r"labels must have shape \(B,\); got \(\)"),
        ({"labels": [0, 1, 2]}, "labels must be of 2 clips; got 3"),
    ],
)
def test_a_wrong_condition_is_an_error_that_names_it(gpt, videos, change, message):
    conditions = given(videos) | change
    with pytest.raises(ValueError, match=message):
        gpt.logits(random_codes(gpt, 2), **conditions)
    with pytest.raises(ValueError, match=message):
        kvg.sample(gpt, 2, progress=False, **conditions)


def test_fit_says_what_a_batch_lacks(gpt, batch, vqvae):
    gpt.compile(optimizer="sgd")
    with pytest.raises(ValueError, match="3 classes: a batch must have the key 'label'"):
        gpt.fit({"video": batch["video"]}, verbose=0)
    with pytest.raises(ValueError, match="first 2 frames: .* must also have the key 'frames'"):
        gpt.fit({"codes": vqvae.encode(batch["video"]), "label": batch["label"]}, verbose=0)
    with pytest.raises(ValueError, match=r"label must lie in \[0, 2\]"):
        gpt.fit({**batch, "label": batch["label"] + 1}, verbose=0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"attention": "local"}, "attention must be one of .'full', 'sparse'.; got 'local'"),
        ({"attention": "sparse", "block_size": 24}, "must divide the product of the last axes"),
        ({"frame_cond": -1}, r"frame_cond must lie in \[0, 4\], the frames of a clip; got -1"),
        ({"frame_cond": 5}, r"frame_cond must lie in \[0, 4\], the frames of a clip; got 5"),
        ({"num_classes": 0}, "num_classes must be a positive integer; got 0"),
        (
            {"frame_cond": 1, "frame_encoder_depth": 50},
            r"frame_encoder_depth must be one of \(18, 34\); got 50",
        ),
        ({"epsilon_placement": "around"}, "epsilon_placement must be one of"),
        ({"gains": "none"}, "gains must be one of"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_names_it(vqvae, options, message):
    with pytest.raises(ValueError, match=message):
        small_gpt(vqvae, **options)


def test_sparse_priors_equal_full_ones_where_every_block_is_kept(vqvae):
    # Two frames of 4 x 4 codes in blocks of 8: four blocks, all within four local ones.
    sparse = small_gpt(vqvae, attention="sparse", block_size=8)
    full = small_gpt(vqvae)
    randomize(sparse)
    full.set_weights(sparse.get_weights())
    codes = random_codes(full, 2)
    np.testing.assert_allclose(sparse.logits(codes), full.logits(codes), atol=1e-4)
    options = {"n": 2, "seed": 0, "progress": False}
    np.testing.assert_array_equal(kvg.sample(sparse, **options), kvg.sample(full, **options))


def test_sparse_priors_leave_blocks_out(vqvae):
    options = {"block_size": 4, "num_local_blocks": 1}
    gpt = small_gpt(vqvae, attention="sparse", num_layers=1, **options)
    randomize(gpt)
    codes = random_codes(gpt, 1)
    changed = codes.copy()
    changed[0, 0, 1, 0] = (changed[0, 0, 1, 0] + 1) % 32
    difference = np.abs(gpt.logits(changed) - gpt.logits(codes)).max(axis=(0, 4))
    # Code 4 enters as position 5, in row 1 of frame 0: its own row, row 2, and row 1 of frame 1.
    moved = {tuple(place) for place in np.argwhere(difference > 1e-5)}
    rows = {(0, 1), (0, 2), (1, 1)}
    assert {place[:2] for place in moved} == rows


def test_labels_may_be_the_names_of_classes_which_a_file_keeps(vqvae, videos, tmp_path):
    gpt = small_gpt(vqvae, class_names=["run", "jump", "fall"])
    randomize(gpt)
    gpt.save(tmp_path / "gpt.keras")
    loaded = kvg.load(tmp_path / "gpt.keras")
    assert (loaded.class_names, loaded.num_classes) == (("run", "jump", "fall"), 3)
    codes = random_codes(gpt)
    by_number = gpt.logits(codes, labels=np.array([2, 0]))
    np.testing.assert_allclose(loaded.logits(codes, labels=["fall", "run"]), by_number, atol=1e-5)
    for labels, message in (
        (["fly", "run"], "of the names run, jump, fall; got 'fly'"),
        (["run"], "labels must be of 2 clips; got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            gpt.logits(codes, labels=labels)
    with pytest.raises(ValueError, match="labels must be numbers; got text such as 'run'"):
        small_gpt(vqvae, num_classes=3).logits(codes, labels=["run", "run"])
    for wrong in ({"class_names": ["a", "a"]}, {"class_names": ["a"], "num_classes": 2}):
        with pytest.raises(ValueError, match="class_names must be 2 different names"):
            small_gpt(vqvae, **wrong)
