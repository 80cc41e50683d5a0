"""Tokens of augmented clips, and of clips with embeddings."""

import keras
import numpy as np
import pytest

from keras_videogpt.data import ArrayVideos, Clips, EmbeddedClips
from keras_videogpt.tokens import StoredTokens, TokenFolder, store_tokens

FRAMES = {"num_frames": 4, "size": 16}
OPTIONS = {"clips_per_shard": 3, "batch_size": 2, "progress": False}


@pytest.fixture
def store(videos):
    return ArrayVideos(videos[:5], labels=[0, 1, 0, 1, 0])


def augmented(store, layer):
    return {"train": Clips(store, **FRAMES, start="all", augment=layer)}


def test_augmented_clips_are_stored_as_they_are_in_every_epoch(store, vqvae, tmp_path):
    clips = augmented(store, keras.layers.RandomTranslation(0.3, 0.3))
    folder = store_tokens(tmp_path / "tokens", vqvae, clips, passes=3, **OPTIONS)
    tokens = StoredTokens(folder, vqvae)
    passes = []
    for epoch in range(3):
        video = np.stack([clips["train"].get(index, epoch)["video"] for index in range(5)])
        codes = np.stack([tokens.get(index, epoch)["codes"] for index in range(5)])
        np.testing.assert_array_equal(codes, vqvae.encode(video))
        passes.append(codes)
    assert (passes[0] != passes[1]).any() and (passes[1] != passes[2]).any()


def test_tokens_of_another_augmentation_are_not_gone_on_with(store, vqvae, tmp_path):
    def stored(layer):
        store_tokens(tmp_path / "tokens", vqvae, augmented(store, layer), passes=2, **OPTIONS)

    stored([keras.layers.RandomInvert(0.5), keras.layers.RandomContrast(0.2)])
    (tmp_path / "tokens/train/00001.npy").unlink()
    for other in (
        keras.layers.RandomInvert(0.5),
        [keras.layers.RandomInvert(0.4), keras.layers.RandomContrast(0.2)],
        [keras.layers.RandomContrast(0.2), keras.layers.RandomInvert(0.5)],
    ):
        with pytest.raises(ValueError, match=r"train.augment is .*RandomInvert\(.* here"):
            stored(other)
    assert TokenFolder(tmp_path / "tokens").missing_shards() == [("train", 1)]
    # New layers, of other names, that do the same.
    stored([keras.layers.RandomInvert(0.5), keras.layers.RandomContrast(0.2)])
    assert TokenFolder(tmp_path / "tokens").missing_shards() == []


def test_tokens_stored_before_there_was_augmentation_are_gone_on_with(store, vqvae, tmp_path):
    clips = augmented(store, None)
    folder = store_tokens(tmp_path / "tokens", vqvae, clips, **OPTIONS)
    path = folder / "tokens.json"
    assert path.read_text().count('"augment": null') == 1
    path.write_text(path.read_text().replace(',\n      "augment": null', ""))
    assert "augment" not in path.read_text()
    (folder / "train/00001.npy").unlink()
    store_tokens(folder, vqvae, clips, **OPTIONS)
    assert TokenFolder(folder).missing_shards() == []


def test_embeddings_are_stored_with_the_clips(store, vqvae, tmp_path):
    rng = np.random.default_rng(0)
    words = {"0": rng.normal(size=(2, 6)), "1": rng.normal(size=(3, 6)), "9": np.zeros((1, 6))}

    def clips(words):
        return {"train": EmbeddedClips(store, words, **FRAMES, start="all")}

    folder = store_tokens(tmp_path / "tokens", vqvae, clips(words), **OPTIONS)
    tokens = StoredTokens(folder, vqvae)
    assert tokens.embedding_shape == (3, 6)
    for stored, item in zip(tokens, clips(words)["train"], strict=True):
        assert set(stored) == {"codes", "label", "embeddings", "embedding_mask"}
        for name in ("label", "embeddings", "embedding_mask"):
            np.testing.assert_array_equal(stored[name], item[name])
            assert stored[name].dtype == item[name].dtype
    store_tokens(folder, vqvae, clips(words | {"9": np.ones((1, 6))}), **OPTIONS)
    with pytest.raises(ValueError, match="splits.train.contents is"):
        store_tokens(folder, vqvae, clips(words | {"1": words["1"] + 1}), **OPTIONS)
    with pytest.raises(ValueError, match="fields.embeddings is"):
        store_tokens(folder, vqvae, augmented(store, None), **OPTIONS)
