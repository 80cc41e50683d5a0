import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.embedded_clips import EmbeddedClips
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.tokens.fingerprint import fingerprint
from keras_videogpt.tokens.layer_text import layer_text
from keras_videogpt.tokens.token_folder import FORMAT

CLIP_SETTINGS = ("start", "stride", "hop", "crop", "flip", "seed")


def describe(
    tokenizer: VQVAE,
    clips: dict[str, Clips],
    frame_cond: int,
    passes: int,
    data: str,
    clips_per_shard: int,
) -> dict[str, Any]:
    """The description of a folder of tokens, which must not change while it is filled.

    Args:
        tokenizer, clips, frame_cond, passes, data, clips_per_shard: as in `store_tokens`.

    Returns:
        What `tokens.json` says.

    Raises:
        ValueError: clips of another shape than the tokenizer's, splits with different conditions,
            more frames than a clip has, or passes that would be equal.
    """
    video_shape = list(tokenizer.video_shape)
    if not 0 <= frame_cond <= video_shape[0]:
        raise ValueError(
            f"frame_cond must lie in [0, {video_shape[0]}], the frames of a clip; got {frame_cond}."
        )
    if passes > 1 and not any(is_random(part) for part in clips.values()):
        raise ValueError(
            f"passes={passes} would store the same clips {passes} times: nothing in them is "
            "random. Take random starts, random crops, mirroring or augmentation."
        )
    conditions = {}
    for split, part in clips.items():
        shape = [part.num_frames, *part.size, 3]
        if shape != video_shape:
            raise ValueError(f"clips of {split!r} must have shape {video_shape}; got {shape}.")
        conditions[split] = _conditions(part)
    first, *others = conditions
    for split in others:
        if conditions[split] != conditions[first]:
            raise ValueError(
                f"All splits must offer the same conditions. Received: {conditions[first]} in "
                f"{first!r}, {conditions[split]} in {split!r}."
            )
    fields = {"codes": [codes_dtype(tokenizer.num_codes), list(tokenizer.codes_shape)]}
    fields |= conditions[first]
    if frame_cond:
        fields["frames"] = ["uint8", [frame_cond, *video_shape[1:]]]
    return {
        **FORMAT,
        "tokenizer": fingerprint(tokenizer),
        "video_shape": video_shape,
        "num_codes": tokenizer.num_codes,
        "fields": fields,
        "class_names": list(clips[first].store.class_names),
        "clips_per_shard": clips_per_shard,
        "data": data,
        "splits": {
            split: {
                "clips": len(part),
                "passes": passes if is_random(part) else 1,
                "contents": contents(part),
                **{name: getattr(part, name) for name in CLIP_SETTINGS},
                "augment": augmentation(part),
            }
            for split, part in clips.items()
        },
    }


def is_random(clips: Clips) -> bool:
    """Whether clips differ from epoch to epoch."""
    return (
        clips.start == "random" or clips.crop == "random" or clips.flip or clips.augment is not None
    )


def augmentation(clips: Clips) -> str | None:
    """The layers that augment clips, as text; `None` without."""
    if clips.augment is None:
        return None
    return ", ".join(layer_text(layer) for layer in clips.augment.layers)


def codes_dtype(num_codes: int) -> str:
    """The smaller of int16 and int32 that holds the codes 0 to `num_codes - 1`."""
    return "int16" if num_codes - 1 <= np.iinfo("int16").max else "int32"


def contents(clips: Clips) -> str:
    """A hash of the names, lengths, labels and embeddings of all videos, and of two clips.

    These are the first and the last, before augmentation, which differs by backend.
    """
    clips, store = clips.augmented(None), clips.store
    digest = hashlib.sha256()
    for video in range(len(store)):
        digest.update(
            f"{store.name(video)}\n{store.num_frames(video)} {store.label(video)}\n".encode()
        )
    if isinstance(clips, EmbeddedClips):
        for name, array in sorted(clips.embeddings.items()):
            digest.update(f"{name}\n{array.shape}\n".encode() + array.tobytes())
    for index in (0, len(clips) - 1):
        digest.update(clips[index]["video"].tobytes())
    return digest.hexdigest()[:16]


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """How two descriptions differ, a phrase for every value."""
    before, now = dict(_flat(there)), dict(_flat(here))
    return [
        f"{name} is {before.get(name)!r} there and {now.get(name)!r} here"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _flat(description: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in description.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _conditions(clips: Clips) -> dict[str, list]:
    store = clips.store
    conditions: dict[str, list] = {}
    if store.has_labels:
        conditions["label"] = ["int32", []]
    if store.has_actions:
        conditions["actions"] = ["float32", [clips.num_frames, store.action_size]]
    if isinstance(clips, EmbeddedClips):
        conditions["embeddings"] = ["float32", list(clips.embedding_shape)]
        conditions["embedding_mask"] = ["bool", [clips.embedding_shape[0]]]
    return conditions
