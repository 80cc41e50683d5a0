import os
from collections.abc import Sequence

import numpy as np

from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.tokens.fingerprint import fingerprint
from keras_videogpt.tokens.token_folder import TokenFolder


class StoredTokens:
    """The stored clips of a split, for `keras_videogpt.data.dataset` in the place of `Clips`.

    Where several passes are stored, epoch e reads pass `e % passes`.

    Args:
        folder: what `store_tokens` or `keras-videogpt encode` wrote.
        tokenizer: the `VQVAE` that the codes must be of, or a `VideoGPT` on top of it.
        split: `"train"`, `"valid"` or `"test"`; without a validation split, `"valid"` is the test
            split.
        frame_cond: number of first frames F to read with each clip, for a prior that is given them.

    Attributes:
        store: the `TokenFolder`.
        num_frames: frames of a clip, T.
        size: `(height, width)` of its frames, in pixels.
        embedding_shape: `(L, D)` of its embeddings; `None` where none are stored.

    Raises:
        FileNotFoundError: there are no stored tokens.
        ValueError: they are of another tokenizer or not complete, there is no such split, or fewer
            frames than `frame_cond` are stored.

    Example:
        >>> from keras_videogpt.tokens import store_tokens
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> videos = np.random.default_rng(0).integers(0, 256, (3, 4, 16, 16, 3), "uint8")
        >>> clips = Clips(ArrayVideos(videos), num_frames=4, size=16, start="all")
        >>> folder = store_tokens("tokens", vqvae, {"train": clips}, progress=False)
        >>> tokens = StoredTokens(folder, vqvae)
        >>> len(tokens), tokens[0]["codes"].shape
        (3, (2, 8, 8))
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        tokenizer: VQVAE | VideoGPT,
        split: str = "train",
        frame_cond: int = 0,
    ):
        self.store = TokenFolder(folder)
        without_valid = split == "valid" and split not in self.store.splits
        self.split = "test" if without_valid else split
        self.frame_cond = frame_cond
        given = fingerprint(tokenizer.tokenizer if isinstance(tokenizer, VideoGPT) else tokenizer)
        stored = self.store.description["tokenizer"]
        if given != stored:
            raise ValueError(
                f"{folder} holds the codes of another tokenizer: {stored} there, and {given} here. "
                "Take that tokenizer, or encode the data with this one."
            )
        self.num_frames, *size, _ = self.store.description["video_shape"]
        self.size = tuple(size)
        names = self.store.record.names or ()
        has_embeddings = "embeddings" in names
        self.embedding_shape = self.store.record["embeddings"].shape if has_embeddings else None
        self._num_clips, self._passes = (
            self.store.num_clips(self.split),
            self.store.passes(self.split),
        )
        frames = self.store.record["frames"].shape[0] if "frames" in names else 0
        if not 0 <= frame_cond <= frames:
            raise ValueError(
                f"frame_cond must lie in [0, {frames}], the first frames stored in {folder}; got "
                f"{frame_cond}. Encode the data with frame_cond={frame_cond} (--frame-cond)."
            )
        missing = self.store.missing_shards()
        if missing:
            raise ValueError(
                f"{folder} is not complete: {len(missing)} shards are missing or cut short. "
                "Give the command that began it again."
            )

    def __len__(self) -> int:
        return self._num_clips

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self.get(index)

    def get(self, index: int, epoch: int = 0) -> dict[str, np.ndarray]:
        """Reads one clip.

        Args:
            index: from 0 to `len(tokens) - 1`.
            epoch: from 0; decides the pass.

        Returns:
            Dictionary with `codes` int32 `(t, h, w)`, or `(t, h, w, G)`; where they are stored,
            `label` int32 (), `actions` float32 `(T, A)`, `embeddings` float32 `(L, D)` and
            `embedding_mask` bool `(L,)`; with `frame_cond`, `frames` uint8 `(F, H, W, 3)`.

        Raises:
            IndexError: no such clip.
        """
        batch = self.get_batch([(index, epoch)])
        return {name: np.asarray(array[0]) for name, array in batch.items()}

    def name(self, index: int) -> str:
        """What to call a clip in messages."""
        return f"{self.split}[{index}]"

    def get_batch(self, places: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
        """Reads several clips.

        Args:
            places: index and epoch of each.

        Returns:
            What `get` returns for them, stacked.

        Raises:
            IndexError: no such clip.
        """
        positions = []
        for index, epoch in places:
            if not 0 <= index < self._num_clips:
                raise IndexError(f"index must lie in [0, {len(self) - 1}]; got {index}.")
            positions.append(epoch % self._passes * self._num_clips + index)
        records = self.store.read(self.split, positions)
        fields = {name: records[name] for name in records.dtype.names or ()}
        fields["codes"] = fields["codes"].astype("int32")
        if self.frame_cond:
            fields["frames"] = fields["frames"][:, : self.frame_cond]
        else:
            fields.pop("frames", None)
        return {name: np.ascontiguousarray(field) for name, field in fields.items()}
