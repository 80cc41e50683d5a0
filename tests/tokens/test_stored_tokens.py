"""Stored tokens as training reads them."""

from unittest.mock import ANY

import numpy as np
import pytest
from checks import assert_same_weights, small_gpt, small_vqvae, weights_of

from keras_videogpt.data import Clips, dataset
from keras_videogpt.data.stream import stream
from keras_videogpt.tokens import StoredTokens, fingerprint, store_tokens


@pytest.fixture(scope="module")
def folder(vqvae, long_videos, tmp_path_factory):
    clips = {"train": Clips(long_videos, num_frames=4, size=16, crop="random", seed=3)}
    folder = tmp_path_factory.mktemp("stored") / "tokens"
    options = {"frame_cond": 2, "passes": 3, "clips_per_shard": 4, "progress": False}
    return store_tokens(folder, vqvae, clips, **options)


def batches_of(batches, number):
    return [
        {name: np.asarray(value) for name, value in batch.items()}
        for _ in range(number)
        for batch in batches
    ]


def assert_equal(first, second):
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert one[name].dtype == other[name].dtype
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("pipeline", ["tf.data", "pydataset"])
def test_batches_come_in_the_order_of_the_videos_and_resume_as_they_do(
    pipeline, folder, vqvae, clips
):
    if pipeline == "tf.data":
        pytest.importorskip("tensorflow", reason="tests tf.data")
    tokens = StoredTokens(folder, vqvae, frame_cond=1)
    options = {"batch_size": 3, "shuffle": True, "seed": 5, "pipeline": pipeline}
    stored = batches_of(dataset(tokens, **options), 3)
    videos = batches_of(dataset(clips["train"], **options), 3)
    for one, other in zip(stored, videos, strict=True):
        np.testing.assert_array_equal(one["codes"], vqvae.encode(other["video"]))
        np.testing.assert_array_equal(one["frames"], other["video"][:, :1])
        for name in ("label", "actions"):
            np.testing.assert_array_equal(one[name], other[name])
    assert_equal(stored[6:], batches_of(dataset(tokens, first_epoch=2, **options), 1))


def test_the_endless_stream_starts_at_any_step(folder, vqvae):
    tokens = StoredTokens(folder, vqvae)
    whole = [batch for batch, _ in zip(stream(tokens, 2, seed=1), range(12), strict=False)]
    resumed = stream(tokens, 2, seed=1, first_step=9)
    assert_equal(whole[9:], [batch for batch, _ in zip(resumed, range(3), strict=False)])


def test_training_on_tokens_is_training_on_the_videos(folder, vqvae, clips):
    sources = {
        "videos": clips["train"],
        "tokens": StoredTokens(folder, vqvae),
    }
    losses, weights = {}, {}
    for name, source in sources.items():
        gpt = small_gpt(vqvae, num_classes=2, num_layers=1)
        batches = dataset(source, batch_size=3, shuffle=True, seed=2, drop_remainder=True)
        losses[name] = gpt.fit(batches, epochs=3, verbose=0).history["loss"]
        weights[name] = weights_of(gpt)
    np.testing.assert_allclose(losses["tokens"], losses["videos"], rtol=1e-5)
    assert_same_weights(weights["tokens"], weights["videos"], tolerance=1e-4)


def test_a_prior_is_taken_for_its_tokenizer_and_another_tokenizer_refused(folder, vqvae):
    assert len(StoredTokens(folder, small_gpt(vqvae))) == 7
    other = small_vqvae()
    with pytest.raises(ValueError, match=f"{fingerprint(vqvae)} there.*{fingerprint(other)} here"):
        StoredTokens(folder, other)


def test_what_is_not_stored_is_named(folder, vqvae):
    with pytest.raises(ValueError, match=r"frame_cond must lie in \[0, 2\].*; got 3"):
        StoredTokens(folder, vqvae, frame_cond=3)
    with pytest.raises(ValueError, match=r"split must be one of \['train'\]; got 'test'"):
        StoredTokens(folder, vqvae, "test")
    with pytest.raises(IndexError, match=r"\[0, 6\]; got 7"):
        StoredTokens(folder, vqvae)[7]
    assert "frames" not in StoredTokens(folder, vqvae)[0]


def test_nothing_that_was_read_is_kept(folder, vqvae):
    tokens = StoredTokens(folder, vqvae)
    before = vars(tokens.store) | {"_files": ANY}
    for epoch in range(3):
        for index in range(len(tokens)):
            item = tokens.get(index, epoch)
    assert len(item["codes"].base) == 1 and vars(tokens.store) == before
