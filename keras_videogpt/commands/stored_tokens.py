"""Stored tokens in the place of videos, for training a prior."""

import argparse

import numpy as np

from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.tokens.stored_tokens import StoredTokens

# What `encode` settles, with the value that says nothing.
SETTLED = {"stride": 1, "crop": "center", "flip": False, "augment": None}


def token_clips(
    args: argparse.Namespace, tokenizer: VQVAE, frame_cond: int
) -> tuple[StoredTokens, StoredTokens]:
    """Stored training and held-out clips; `ValueError` for options that come too late."""
    late = [f"--{name}" for name, value in SETTLED.items() if getattr(args, name) != value]
    if late:
        raise ValueError(
            f"{' and '.join(late)} can't be given with stored tokens: encode them with it."
        )
    if args.embeddings:
        raise ValueError(
            "--embeddings takes no FILE with stored tokens: encode them with it, and give "
            "--embeddings alone."
        )
    train, held_out = (
        StoredTokens(args.data, tokenizer, split, frame_cond) for split in ("train", "valid")
    )
    if args.embeddings is not None and train.embedding_shape is None:
        raise ValueError(
            f"{args.data} holds no embeddings: encode the data with --embeddings FILE."
        )
    return train, held_out


def token_settings(clips: StoredTokens) -> dict:
    """What tells a run on these tokens from a run on others."""
    return clips.store.description["splits"][clips.split]


def decoded(batch: dict[str, np.ndarray], tokenizer: VQVAE) -> dict[str, np.ndarray]:
    """A batch of stored clips with a `video` to show: reconstructions, after the true frames."""
    video = to_uint8(tokenizer.decode(batch["codes"]))
    if "frames" in batch:
        video[:, : batch["frames"].shape[1]] = batch["frames"]
    return batch | {"video": video}
