"""What is stored, and how storing stops and goes on."""

import json

import numpy as np
import pytest
from checks import small_vqvae

from keras_videogpt import VQVAE
from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.tokens import StoredTokens, TokenFolder, store_tokens
from keras_videogpt.tokens.describe import codes_dtype

OPTIONS = {"frame_cond": 2, "passes": 2, "clips_per_shard": 3, "batch_size": 2, "progress": False}


def files(folder) -> dict[str, bytes]:
    """Content of every file by its path."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def stamps(folder) -> dict:
    """What tells a file that was written again, by its path."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture
def folder(vqvae, clips, tmp_path):
    return store_tokens(tmp_path / "tokens", vqvae, clips, **OPTIONS)


def test_what_is_stored_is_what_the_tokenizer_says_of_the_same_clips(folder, vqvae, clips):
    assert len(clips["train"]) == 7 and len(clips["test"]) > 14
    for split, passes in (("train", 2), ("test", 1)):
        tokens = StoredTokens(folder, vqvae, split, frame_cond=2)
        assert len(tokens) == len(clips[split]) and tokens.store.passes(split) == passes
        for epoch in range(passes):
            items = [clips[split].get(index, epoch) for index in range(len(tokens))]
            codes = vqvae.encode(np.stack([item["video"] for item in items]))
            for index, item in enumerate(items):
                stored = tokens.get(index, epoch + passes)
                assert set(stored) == {"codes", "label", "actions", "frames"}
                np.testing.assert_array_equal(stored["codes"], codes[index])
                np.testing.assert_array_equal(stored["frames"], item["video"][:2])
                for name in ("label", "actions"):
                    np.testing.assert_array_equal(stored[name], item[name])
                    assert stored[name].dtype == item[name].dtype
                assert stored["codes"].dtype == np.int32
    passes = [StoredTokens(folder, vqvae).get(0, epoch)["codes"] for epoch in (0, 1)]
    assert (passes[0] != passes[1]).any()


def test_shards_are_plain_arrays_of_records_in_int16(folder):
    store = TokenFolder(folder)
    assert store.num_shards("train") == 5 and store.missing_shards() == []
    shard = np.load(folder / "train" / "00000.npy", mmap_mode="r", allow_pickle=False)
    assert shard.shape == (3,) and shard["codes"].dtype == np.int16
    assert shard["codes"].shape == (3, 2, 4, 4)
    last = np.load(folder / "train" / "00004.npy", allow_pickle=False)
    assert len(last) == 2  # 14 records
    assert store.summary("train").startswith(
        "train: 7 clips in 2 passes, codes int16 (2, 4, 4), label int32, actions float32 (4, 2), "
        "frames uint8 (2, 16, 16, 3), 2 classes; "
    )


@pytest.mark.parametrize("encoded, shards", [(0, 0), (5, 1), (11, 3), (20, 7)])
def test_stopped_and_resumed_it_is_the_same_byte_for_byte(
    encoded, shards, folder, vqvae, clips, tmp_path, monkeypatch
):
    encode, seen = vqvae.encode, []

    def stopping(videos, batch_size):
        if sum(seen) == encoded:
            raise KeyboardInterrupt
        seen.append(len(videos))
        return encode(videos, batch_size)

    other = tmp_path / "other"
    other.mkdir()
    (other / ".writing-tokens.json").write_bytes(b"{")  # as a killed command leaves it
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(vqvae, "encode", stopping)
        store_tokens(other, vqvae, clips, **OPTIONS)
    begun = files(other)
    assert len(begun) == 1 + shards and begun.items() <= files(folder).items()
    store_tokens(other, vqvae, clips, **OPTIONS)
    assert files(other) == files(folder)


def test_shards_cut_short_or_foreign_are_made_anew_and_the_others_stay(folder, vqvae, clips):
    before = files(folder)
    train = folder / "train"
    (train / "00001.npy").write_bytes(before["train/00001.npy"][:-1])
    (train / "00002.npy").write_bytes(b"")
    np.save(train / "00003.npy", np.zeros(3))
    (train / "00004.npy").unlink()
    (train / ".writing-00004.npy").write_bytes(b"half")
    assert TokenFolder(folder).missing_shards() == [("train", shard) for shard in (1, 2, 3, 4)]
    with pytest.raises(ValueError, match="not complete: 4 shards"):
        StoredTokens(folder, vqvae)
    kept = stamps(folder)[train / "00000.npy"]
    store_tokens(folder, vqvae, clips, **OPTIONS)
    assert files(folder) == before
    assert stamps(folder)[train / "00000.npy"] == kept


def test_a_finished_folder_is_left_alone(folder, vqvae, clips, capsys, monkeypatch):
    before = stamps(folder)
    monkeypatch.setattr(vqvae, "encode", None)
    store_tokens(folder, vqvae, clips, **OPTIONS | {"progress": True})
    assert "holds all its clips already" in capsys.readouterr().out
    assert stamps(folder) == before


def test_another_tokenizer_data_set_or_setting_in_the_same_folder_is_named(
    folder, vqvae, clips, long_videos, videos
):
    other = small_vqvae()
    before = files(folder)

    def refused(*words, tokenizer=vqvae, train=None, **options):
        given = clips | ({"train": train} if train else {})
        with pytest.raises(ValueError) as error:
            store_tokens(folder, tokenizer, given, **OPTIONS | options)
        for word in words:
            assert word in str(error.value)
        assert files(folder) == before

    frames = {"num_frames": 4, "size": 16}
    refused("tokenizer is ", tokenizer=other)
    refused("splits.train.crop is 'random' there", train=Clips(long_videos, **frames, seed=3))
    refused("splits.train.passes is 2 there and 3 here", passes=3)
    refused("fields.frames is", frame_cond=1)
    refused("clips_per_shard is 3 there and 4 here", clips_per_shard=4)
    changed = [long_videos.frames(i) for i in range(7)]
    changed[0] = changed[0] // 2
    actions = [long_videos.actions(i) for i in range(7)]
    store = ArrayVideos(changed, [long_videos.label(i) for i in range(7)], actions)
    refused("splits.train.contents is", train=Clips(store, **frames, crop="random", seed=3))


def test_a_folder_of_something_else_is_refused(vqvae, clips, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and holds no tokens"):
        store_tokens(tmp_path, vqvae, clips, progress=False)
    assert files(tmp_path) == {"notes.txt": b"mine"}
    description = {"format": "keras_videogpt tokens", "version": 99}
    (tmp_path / "tokens.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="'version': 1"):
        TokenFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere/tokens.json"):
        TokenFolder("nowhere")


def test_arguments_that_do_not_fit_are_refused_before_anything_is_written(vqvae, clips, tmp_path):
    still = {"test": clips["test"]}
    longer = {"train": Clips(clips["train"].store, num_frames=5, size=16)}
    plain = ArrayVideos([clips["train"].store.frames(0)])
    mixed = still | {"train": Clips(plain, num_frames=4, size=16)}
    for given, options, message in (
        (clips, {"frame_cond": 5}, r"frame_cond must lie in \[0, 4\].*; got 5"),
        (clips, {"passes": 0}, "passes must be a positive integer"),
        (clips, {"clips_per_shard": 0}, "clips_per_shard must be"),
        (still, {"passes": 2}, "the same clips 2 times"),
        (longer, {}, r"must have shape \[4, 16, 16, 3\]; got \[5, 16, 16, 3\]"),
        (mixed, {}, "All splits must offer the same conditions"),
    ):
        with pytest.raises(ValueError, match=message):
            store_tokens(tmp_path / "tokens", vqvae, given, progress=False, **options)
    assert not list(tmp_path.iterdir())


def test_codes_above_the_limit_of_int16_are_stored_in_int32(videos, tmp_path):
    assert codes_dtype(2**15) == "int16" and codes_dtype(2**15 + 1) == "int32"
    large = VQVAE(
        video_shape=(4, 16, 16, 3),
        downsample=(2, 4, 4),
        num_codes=2**16,
        code_dim=2,
        hidden_units=4,
        num_residual_layers=1,
    )
    clips = Clips(ArrayVideos(videos), num_frames=4, size=16, start="all")
    folder = store_tokens(tmp_path / "tokens", large, {"train": clips}, progress=False)
    tokens = StoredTokens(folder, large)
    stored = np.stack([item["codes"] for item in tokens])
    assert stored.max() >= 2**15 and tokens.store.record["codes"].base == np.int32
    np.testing.assert_array_equal(stored, large.encode(videos))
