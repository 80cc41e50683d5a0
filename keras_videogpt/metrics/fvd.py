import os
from itertools import chain
from typing import Any

import numpy as np

from keras_videogpt.metrics.frechet_of_features import (
    check_count,
    check_frames,
    check_network,
    frechet_of_features,
    with_trials,
)
from keras_videogpt.metrics.frechet_result import FrechetResult
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork, check_feature_network
from keras_videogpt.metrics.networks.i3d import I3D
from keras_videogpt.metrics.protocol import Protocol
from keras_videogpt.metrics.video_batches import check_videos, clip_sequence, video_batches
from keras_videogpt.metrics.video_features import video_features
from keras_videogpt.sampling.controls import check_seed


def fvd(
    real: Any,
    fake: Any,
    protocol: str | Protocol = "videogpt",
    network: FeatureNetwork | None = None,
    trials: int | None = None,
    seed: int | None = 0,
    floor: bool = True,
    split: str | None = None,
    cache: bool | str | os.PathLike = True,
    batch_size: int = 8,
    progress: bool = True,
) -> FrechetResult:
    """Fréchet Video Distance between real and fake clips, by a named protocol.

    Clips that can be read in any order (arrays, `Clips`) are taken in an order by `seed`; of what
    comes in batches the first are taken. Of real clips, up to twice as many as a trial needs are
    read, for the floor, or as many as all trials need.

    Args:
        real: real clips, anything that `video_batches` reads.
        fake: as `real`; as many as all trials need, since each has its own.
        protocol: one of `PROTOCOLS` by name, or a `Protocol`.
        network: in whose features clips are compared; `None` for I3D, prepared as the protocol
            says. Of another network, the distance is not called FVD.
        trials: how often it is measured; `None` for as often as the protocol says.
        seed: of which clips are taken, 0 or more; `None` draws one, which the result tells.
        floor: whether to measure the distance between real clips and other real clips too.
        split: of the data that the real clips are from, to be told with the result.
        cache: where features of the real clips are kept: `True` for the usual folder (see
            `open_cache`), another folder, or `False` for nowhere.
        batch_size: clips at a time.
        progress: whether to show progress bars.

    Returns:
        The distance with all that decides it.

    Raises:
        ImportError: I3D is asked for, and its weights are not there.
        ValueError: there are fewer clips than the protocol needs, or clips of other frames than it
            has, or an argument is not of those above.

    Example:
        >>> from keras_videogpt.metrics.protocol import get_protocol
        >>> from keras_videogpt.metrics.networks.random_network import random_network
        >>> clips = np.random.default_rng(0).integers(0, 256, (8, 4, 8, 8, 3), "uint8")
        >>> few = get_protocol("videogpt").with_counts(4, num_frames=4)
        >>> result = fvd(clips, clips[:4], few, random_network(), cache=False, progress=False)
        >>> result.protocol, result.floor_count
        ('videogpt, 4 against 4, 4 frames', 4)

    Source: Unterthiner et al., arXiv 1812.01717; arXiv 2104.10157, section 4.
    """
    protocol, seed = with_trials(protocol, trials), check_seed(seed)
    if network is not None:
        check_feature_network("network", network)
        check_network(protocol, network)
    sides = (
        ("real", real, protocol.real_count * max(protocol.trials, 2 if floor else 1)),
        ("fake", fake, protocol.fake_count * protocol.trials),
    )
    batches, shapes, totals = {}, {}, {}
    for side, videos, most in sides:
        check_videos(side, videos)
        sequence = clip_sequence(videos)
        if sequence is not None:
            check_count(protocol, side, len(sequence))
            most = totals[side] = min(most, len(sequence))
            order = np.random.default_rng(seed).permutation(len(sequence))
            videos = map(sequence.__getitem__, order[:most].tolist())
        stream = video_batches(videos, batch_size, most)
        batches[side], shapes[side] = _first_shape(stream, side, protocol)
    if shapes["real"] != shapes["fake"]:
        raise ValueError(
            f"real and fake must be clips of one shape; got {shapes['real']} and {shapes['fake']}."
        )
    if network is None:
        network = I3D(preprocessing=protocol.preprocessing, epsilon=protocol.epsilon)
    features = {
        side: video_features(
            batches[side],
            network,
            count=totals.get(side),
            cache=cache if side == "real" else None,
            batch_size=batch_size,
            progress=progress,
            name=f"{side} clips",
        )
        for side in batches
    }
    return frechet_of_features(
        features["real"],
        features["fake"],
        protocol,
        network,
        num_frames=shapes["real"][0],
        resolution=shapes["real"][1:3],
        seed=seed,
        floor=floor,
        split=split,
    )


def _first_shape(batches, side, protocol):
    """The batches again, and the shape `(T, H, W, 3)` of the first clip, once it's checked."""
    first = next(batches, None)
    if first is None:
        check_count(protocol, side, 0)
    check_frames(protocol, side, len(first[0]))
    return chain([first], batches), first.shape[1:]
