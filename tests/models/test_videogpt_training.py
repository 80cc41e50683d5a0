"""What `fit` of a prior takes, and what it must leave alone."""

import keras
import numpy as np
import pytest
from checks import (
    assert_same_weights,
    random_codes,
    small_gpt,
    small_vqvae,
    weights_of,
)

import keras_videogpt as kvg


@pytest.fixture(scope="module")
def vqvae(videos):
    """Trained, so that its codebook and batch statistics are not the initial ones."""
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=5, verbose=0)
    return vqvae


@pytest.fixture(scope="module")
def gpt(vqvae):
    return small_gpt(vqvae)


def steps_of(model):
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations))


def test_the_tokenizer_is_a_frozen_copy(gpt, vqvae, videos):
    assert gpt.tokenizer is not vqvae and gpt.tokenizer.trainable_variables == []
    assert_same_weights(weights_of(gpt.tokenizer), weights_of(vqvae))
    original, prior = weights_of(vqvae), weights_of(gpt)
    gpt.fit({"video": videos}, batch_size=4, verbose=0)
    moved = [(a != b).any() for a, b in zip(prior, weights_of(gpt), strict=True)]
    assert any(moved)
    assert_same_weights(weights_of(gpt.tokenizer), original)
    assert_same_weights(weights_of(vqvae), original)
    assert vqvae.trainable and len(vqvae.trainable_variables) > 10


def test_training_the_original_later_leaves_the_prior_alone(gpt, vqvae, videos):
    codes = random_codes(gpt)
    before, logits = weights_of(gpt.tokenizer), gpt.logits(codes)
    start = weights_of(vqvae)
    vqvae.fit(videos, batch_size=4, verbose=0)
    assert any((a != b).any() for a, b in zip(start, weights_of(vqvae), strict=True))
    assert_same_weights(weights_of(gpt.tokenizer), before)
    np.testing.assert_array_equal(gpt.logits(codes), logits)


def test_video_and_codes_train_the_same(vqvae, videos):
    from_video, from_codes = small_gpt(vqvae), small_gpt(vqvae)
    codes = vqvae.encode(videos)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    one = from_video.fit({"video": videos}, **options).history["loss"]
    other = from_codes.fit({"codes": codes}, **options).history["loss"]
    np.testing.assert_allclose(one, other, rtol=1e-5)
    assert_same_weights(weights_of(from_video), weights_of(from_codes), tolerance=1e-4)


def test_fit_takes_bare_videos_bare_codes_and_our_dataset(gpt, videos):
    clips = kvg.data.Clips(kvg.data.ArrayVideos(videos), num_frames=4, size=16, start="first")
    for x in (videos, random_codes(gpt, 8), kvg.data.dataset(clips, batch_size=4)):
        steps = steps_of(gpt)
        options = {"batch_size": 4} if isinstance(x, np.ndarray) else {}
        history = gpt.fit(x, verbose=0, **options).history
        assert steps_of(gpt) == steps + 2
        assert history["bits_per_code"][0] == pytest.approx(
            history["loss"][0] / np.log(2), rel=1e-4
        )


def test_codes_may_be_of_any_integer_type(gpt):
    codes = random_codes(gpt, 4)
    expected = gpt.evaluate({"codes": codes}, batch_size=4, verbose=0)
    for dtype in ("int64", "uint8"):
        actual = gpt.evaluate({"codes": codes.astype(dtype)}, batch_size=4, verbose=0)
        assert actual == pytest.approx(expected)


def test_training_learns_codes_that_repeat(vqvae):
    gpt = small_gpt(vqvae)
    gpt.compile(optimizer=keras.optimizers.Adam(1e-2))
    codes = np.tile(random_codes(gpt, 1), (8, 1, 1, 1))
    gpt.fit(codes, batch_size=4, epochs=40, verbose=0)
    assert gpt.bits_per_dim(codes).max() < 1


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_saved_training_goes_on_as_one_never_stopped(dropout, vqvae, tmp_path):
    gpt = small_gpt(vqvae, dropout=dropout)
    codes = random_codes(gpt, 8)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    gpt.fit(codes, **options)
    gpt.save(tmp_path / "stopped.keras")
    loaded = kvg.load(tmp_path / "stopped.keras")
    assert_same_weights(weights_of(loaded), weights_of(gpt))
    gpt.fit(codes, epochs=2, **options)
    loaded.fit(codes, epochs=2, **options)
    assert steps_of(loaded) == steps_of(gpt) == 6
    assert_same_weights(weights_of(loaded), weights_of(gpt), tolerance=1e-6)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"label": np.zeros((4,), "int32")}, "must have the key 'codes' or 'video'"),
        ({"codes": np.full((4, 2, 4, 4), 32)}, r"codes must lie in \[0, 31\]"),
        ({"video": np.zeros((4, 4, 16, 12, 3), "uint8")}, "video must have shape"),
        (np.full((4, 4, 16, 16, 3), 2.0), "video of floats must lie in"),
        (np.full((4, 2, 4, 4), 32, "int32"), r"codes must lie in \[0, 31\]"),
    ],
)
def test_fit_rejects_a_wrong_first_batch_by_name(gpt, wrong, message):
    with pytest.raises(ValueError, match=message):
        gpt.fit(wrong, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match=message):
        gpt.fit(iter([wrong]), steps_per_epoch=1, verbose=0)
    with pytest.raises(ValueError, match=message):
        gpt.fit(random_codes(gpt, 4), batch_size=4, validation_data=wrong, verbose=0)


def test_arrays_are_checked_to_their_end(gpt):
    codes = random_codes(gpt, 40)
    codes[-1, 0, 0, 0] = 32
    with pytest.raises(ValueError, match=r"codes must lie in \[0, 31\]"):
        gpt.fit(codes, batch_size=4, verbose=0)


def test_arrays_of_different_lengths_are_an_error(gpt, videos):
    with pytest.raises(ValueError, match="equally many clips; got {'video': 8, 'label': 3}"):
        gpt.fit({"video": videos, "label": np.zeros(3, "int32")}, batch_size=4, verbose=0)


def test_a_generator_is_trained_on_from_its_first_batch(vqvae):
    gpt, other = small_gpt(vqvae), small_gpt(vqvae)
    codes = random_codes(gpt, 8)
    gpt.fit({"codes": codes}, batch_size=4, shuffle=False, verbose=0)
    batches = ({"codes": codes[start : start + 4]} for start in (0, 4))
    other.fit(batches, steps_per_epoch=2, verbose=0)
    assert_same_weights(weights_of(gpt), weights_of(other), tolerance=1e-4)
