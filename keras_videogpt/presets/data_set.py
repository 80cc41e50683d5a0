"""What a data preset says."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A data set of the paper: where it comes from, how it is prepared, what is trained on it.

    Attributes:
        name: name of the preset.
        what: what the videos show, in a few words.
        how: how one gets it, in a few words.
        source: where it comes from.
        preparation: what `keras-videogpt data prepare` does, and what it needs.
        splits: how it is split.
        size: height and width of a clip in pixels, as the paper trains on it.
        video_frames: frames of a video, in words.
        conditions: what a prior may be conditioned on, and its shape: `frames` (F, H, W, C) for the
            first frames, `actions` (T, A), `label` ().
        paper_conditions: what the paper's prior is conditioned on (table 9).
        frame_cond: first frames that the preset's prior is conditioned on.
        variance: variance of its pixels on the scale [0, 1], which the reconstruction error is
            divided by; `None` to measure it when training begins.
        variance_from: where the variance is from.
        tokenizer: name of the tokenizer's settings, table 8.
        prior: name of the prior's settings, table 9.
        decisions: where the paper is unclear, or differs from its code: what the preset takes, why.
        tfds: its name in TensorFlow Datasets, if it is there.
        action_conditioning: how the preset's prior is conditioned on actions, `"clip"` or
            `"frame"`; `None` if it is not.
    """

    name: str
    what: str
    how: str
    source: str
    preparation: str
    splits: str
    size: int
    video_frames: str
    conditions: dict[str, tuple[int, ...]]
    paper_conditions: str
    frame_cond: int
    variance: float | None
    variance_from: str
    tokenizer: str
    prior: str
    decisions: tuple[str, ...]
    tfds: str | None = None
    action_conditioning: str | None = None
