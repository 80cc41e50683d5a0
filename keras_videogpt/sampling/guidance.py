"""Classifier-free guidance: two sequences of each clip, with its conditions and without.

With them come first in a batch. Both are given the same codes.
"""

import math

from keras import ops

from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.typing import Tensor


def check_guidance(model: VideoGPT, guidance: float) -> None:
    """Raises `ValueError` unless a prior can be sampled with this guidance; 1 is none."""
    if not (guidance >= 0 and math.isfinite(guidance)):
        raise ValueError(f"guidance must be 0 or more; got {guidance}.")
    if guidance != 1 and not model.conditions.droppable:
        raise ValueError(
            f"guidance must be 1 for a prior trained without condition_dropout; got {guidance}."
        )


def with_and_without(conditions: dict) -> dict:
    """The conditions of a batch of clips, followed by none for as many.

    Args:
        conditions: as `Conditions.given` gives.
    """
    doubled = {key: ops.concatenate([value, value]) for key, value in conditions.items()}
    given = conditions["given"]
    return {**doubled, "given": ops.concatenate([given, ops.zeros_like(given)])}


def previous_codes(previous: Tensor, guidance: Tensor | None = None) -> Tensor:
    """The codes before a step, `(B,)`, for its sequences: `(2 B,)` if there is guidance."""
    return previous if guidance is None else ops.concatenate([previous, previous])


def guided_logits(logits: Tensor, guidance: Tensor | None = None) -> Tensor:
    """The logits to draw from.

    Args:
        logits: float32 `(B, K)`; `(2 B, K)` if there is guidance.
        guidance: scalar w, for `without + w (with - without)`; `None` for none.

    Returns:
        float32 `(B, K)`.

    Reference: arXiv 2207.12598.
    """
    if guidance is None:
        return logits
    given, without = ops.split(logits, 2)
    return without + guidance * (given - without)
