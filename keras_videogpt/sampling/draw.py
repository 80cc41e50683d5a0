"""How a code is drawn from logits: temperature, top-k, top-p, and a uniform number."""

import numpy as np
from keras import ops

from keras_videogpt.typing import Tensor

# Codes e^60 times less likely than the likeliest are outside any top-p. Halved 30 times, that is
# the precision of float32.
LEAST_LOGIT = 60.0
HALVINGS = 30


def filter_logits(
    logits: Tensor, temperature: Tensor, top_k: int | None = None, top_p: Tensor | None = None
) -> Tensor:
    """Logits divided by the temperature, with codes outside top-k and top-p at minus infinity.

    Args:
        logits: float32 `(B, K)`.
        temperature: above 0; below 1 sharpens, above 1 flattens.
        top_k: keep the `top_k` likeliest codes; `None` keeps all.
        top_p: keep the likeliest codes that together have probability `top_p`, in (0, 1]; `None`
            keeps all. It applies to what `top_k` kept.

    Returns:
        float32 `(B, K)`.

    Reference: top-p is nucleus sampling, arXiv 1904.09751.
    """
    logits = logits / temperature
    if top_k is not None:
        threshold = ops.top_k(logits, top_k)[0][:, -1:]
        logits = ops.where(logits < threshold, -np.inf, logits)
    if top_p is not None:
        below_largest = logits - ops.max(logits, axis=-1, keepdims=True)
        dropped = below_largest < _top_p_threshold(below_largest, top_p)
        logits = ops.where(dropped, -np.inf, logits)
    return logits


def _top_p_threshold(logits, top_p):
    """The least logit `(B, 1)` to keep, by bisection: many times faster than a sort in XLA.

    The largest logit is 0.
    """
    probabilities = ops.softmax(logits, axis=-1)

    def halve(_, bounds):
        low, high = bounds  # what is above low has at least top_p, what is above high less
        middle = (low + high) / 2
        above = ops.sum(ops.where(logits >= middle, probabilities, 0.0), axis=-1, keepdims=True)
        enough = above >= top_p
        return ops.where(enough, middle, low), ops.where(enough, high, middle)

    start = ops.zeros_like(logits[:, :1])
    bounds = (start - LEAST_LOGIT, start + 1e-6)
    return ops.fori_loop(0, HALVINGS, halve, bounds)[0]


def draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Draws a code per row by inverting the cumulative distribution.

    One uniform number a code decides it, so that the same numbers give the same codes whatever the
    batch and the backend, up to ties within rounding.

    Args:
        logits: float32 `(B, K)`; minus infinity for codes that can't be drawn.
        uniform: float32 `(B,)` in [0, 1).

    Returns:
        int32 `(B,)`.
    """
    cumulative = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)
    # Below the total by more than rounding, or the last step would be overshot.
    target = ops.minimum(uniform, 1 - 1e-6)[:, None] * cumulative[:, -1:]
    return ops.sum(ops.cast(cumulative <= target, "int32"), axis=-1)


def uniform_numbers(seed: int, first_clip: int, clips: int, length: int) -> np.ndarray:
    """The random numbers of consecutive clips, each from its own counter-based stream.

    A clip's numbers depend on the seed and the clip's index alone: however clips are batched, clip
    5 of seed 0 is the same clip.

    Args:
        seed: any non-negative integer.
        first_clip: index of the first clip.
        clips: number of clips.
        length: codes per clip.

    Returns:
        float32 `(length, clips)` in [0, 1).
    """
    streams = [
        np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, first_clip + i))))
        for i in range(clips)
    ]
    return np.stack([stream.random(length, dtype="float32") for stream in streams], axis=1)
