import dataclasses
from typing import Any

import numpy as np

from keras_videogpt.metrics.networks.feature_network import FeatureNetwork, check_feature_network
from keras_videogpt.metrics.video_batches import check_videos, clip_sequence
from keras_videogpt.metrics.video_features import video_features
from keras_videogpt.models.checks import check_positive
from keras_videogpt.sampling.controls import check_seed


def inception_score(
    probabilities: np.ndarray, splits: int = 10, seed: int | None = None, logits: bool = False
) -> tuple[float, float]:
    """Inception Score: how sure a classifier is of each video, and how varied its answers are.

    In each split, `exp` of the mean over its videos x of KL(p(y|x) || p(y)), where p(y) is the mean
    of the split's p(y|x). It is 1 at worst and the number of classes at best. Few videos bring it
    down: compare scores at equal counts per split.

    Args:
        probabilities: float `(N, classes)`, a classifier's p(y|x); rows add up to 1.
        splits: number of parts, from 1 to N. Part i is the rows from `i * N // splits` on.
        seed: shuffles the rows before they are split, 0 or more; `None` keeps their order.
        logits: whether `probabilities` are logits, of any float values.

    Returns:
        Mean and standard deviation of the score over the splits.

    Raises:
        ValueError: an argument is not of those above.

    Example:
        >>> inception_score(np.eye(4), splits=1)
        (4.0, 0.0)

    Source: Salimans et al., arXiv 1606.03498, section 4; splits as in pfnet-research/tgan2.
    """
    log_p = _log_probabilities(probabilities, logits)  # (N, classes)
    count = len(log_p)
    _check_splits(splits, count)
    if seed is not None:
        log_p = log_p[np.random.default_rng(check_seed(seed)).permutation(count)]
    scores = []
    for i in range(splits):
        part = log_p[i * count // splits : (i + 1) * count // splits]
        p = np.exp(part)
        marginal = p.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = p * (part - np.log(marginal))
        divergence = np.where(p > 0, terms, 0).sum(axis=1)
        scores.append(np.exp(divergence.mean()))
    return float(np.mean(scores)), float(np.std(scores))


def _check_splits(splits, count):
    check_positive(splits=splits)
    if count is not None and splits > count:
        raise ValueError(f"splits must be from 1 to the {count} videos; got {splits}.")


def _log_probabilities(probabilities, logits):
    values = np.asarray(probabilities, "float64")
    name = "probabilities (as logits)" if logits else "probabilities"
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name} must be (N, classes), not empty; got shape {values.shape}.")
    wrong = ~np.isfinite(values).all(axis=1)
    if wrong.any():
        raise ValueError(f"{name} must be finite; {wrong.sum()} of {len(values)} rows are not.")
    if logits:
        values = values - values.max(axis=1, keepdims=True)
        return values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    sums = values.sum(axis=1)
    if values.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        raise ValueError(
            f"{name} must be at least 0 and add up to 1 in each row; the least is "
            f"{values.min():.4g}, and rows add up to {sums.min():.4g} to {sums.max():.4g}. "
            "Pass logits=True for logits."
        )
    with np.errstate(divide="ignore"):
        return np.log(values)


@dataclasses.dataclass(frozen=True)
class InceptionScore:
    """An Inception Score with what decides it.

    Args:
        mean: of the score over the splits.
        std: standard deviation of the score over the splits.
        count: number of videos, in all splits together.
        splits: number of parts the videos were cut into.
        classifier: name of the network.
        weights_hash: 16 hexadecimal digits that tell the network's weights from others.

    Example:
        >>> print(InceptionScore(24.69, 0.3, 20480, 10, "C3D UCF-101 logits", "0123456789abcdef"))
        IS 24.69 +- 0.30 (20480 videos in 10 splits, C3D UCF-101 logits 0123456789abcdef)
    """

    mean: float
    std: float
    count: int
    splits: int
    classifier: str
    weights_hash: str

    def __float__(self) -> float:
        return self.mean

    def __str__(self) -> str:
        parts = "1 split" if self.splits == 1 else f"{self.splits} splits"
        return (
            f"IS {self.mean:.2f} +- {self.std:.2f} ({self.count} videos in {parts}, "
            f"{self.classifier} {self.weights_hash})"
        )

    def to_dict(self) -> dict:
        """The fields by name, ready for JSON."""
        return dataclasses.asdict(self)


def video_inception_score(
    videos: Any,
    classifier: FeatureNetwork,
    count: int | None = None,
    splits: int = 10,
    batch_size: int = 8,
    seed: int | None = None,
    progress: bool = True,
) -> InceptionScore:
    """Inception Score of videos.

    The paper's score on UCF-101 is that of `C3D` and of the code of pfnet-research/tgan2: ten times
    2,048 samples of 16 frames, the mean and the standard deviation of the ten scores. That is
    `count=20480, splits=10`. MAGVIT has four times 10,000: `count=40000, splits=4`.

    Args:
        videos: uint8 `(N, T, H, W, 3)`, or anything else that `video_features` reads.
        classifier: a network whose features are logits, such as `C3D`.
        count: videos to take; `None` for all.
        splits: number of parts the videos are cut into, each of which has its own score.
        batch_size: videos to classify at a time.
        seed: shuffles the videos before they are split, 0 or more; `None` keeps their order.
        progress: whether to show a progress bar.

    Returns:
        The score, its standard deviation over the splits, and what decides it.

    Raises:
        ValueError: there are fewer videos than `count`, or than splits, or the classifier does not
            take them, or an argument is not of those above.

    Example:
        >>> from keras_videogpt.metrics.networks.random_network import random_network
        >>> videos = np.zeros((2, 2, 8, 8, 3), "uint8")
        >>> round(video_inception_score(videos, random_network(), splits=1).mean, 3)
        1.0

    Source: arXiv 2104.10157, table 2; github.com/pfnet-research/tgan2,
    scripts/compute_inception_score.py.
    """
    check_feature_network("classifier", classifier)
    check_videos("videos", videos)
    sequence = clip_sequence(videos) if count is None else None
    _check_splits(splits, count if sequence is None else len(sequence))
    check_seed(seed)
    logits = video_features(
        videos, classifier, count=count, batch_size=batch_size, progress=progress
    )
    mean, std = inception_score(logits, splits=splits, seed=seed, logits=True)
    return InceptionScore(mean, std, len(logits), splits, classifier.name, classifier.weights_hash)
