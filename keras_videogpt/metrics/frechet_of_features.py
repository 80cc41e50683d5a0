import numpy as np

from keras_videogpt.metrics.frechet import frechet_distance
from keras_videogpt.metrics.frechet_result import FrechetResult
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.protocol import Protocol, get_protocol
from keras_videogpt.models.batches import as_numpy


def frechet_of_features(
    real: np.ndarray,
    fake: np.ndarray,
    protocol: str | Protocol,
    network: FeatureNetwork,
    *,
    num_frames: int,
    resolution: tuple[int, ...],
    trials: int | None = None,
    seed: int = 0,
    floor: bool = True,
    split: str | None = None,
) -> FrechetResult:
    """Fréchet distance between features that are there already, by a named protocol.

    Each trial takes the rows that follow those of the trial before, of fake ones others each time,
    of real ones from the first on again where there are no more. So where sample i was given the
    condition of real clip i, modulo their number, a trial compares samples with the clips whose
    conditions they have, as the original code does. The floor is the distance between the first
    real rows and as many that follow, or between two halves of what there is.

    Args:
        real: float `(N, D)`, features of real clips.
        fake: float `(M, D)`, features of fake clips.
        protocol: one of `PROTOCOLS` by name, or a `Protocol`.
        network: the one whose features these are.
        num_frames: of the clips.
        resolution: `(height, width)` of the clips.
        trials: as in `fvd`.
        seed: of the order that the clips are in, to be told with the result.
        floor: as in `fvd`; it needs at least 4 real rows.
        split: as in `fvd`.

    Returns:
        The distance with all that decides it.

    Raises:
        ValueError: there are fewer rows than the protocol needs, clips of other frames, rows of
            another network or not finite, or the network is prepared otherwise than the protocol
            says.

    Example:
        >>> from keras_videogpt.metrics.networks.random_network import random_network
        >>> features = np.random.default_rng(0).normal(size=(8, 192))
        >>> few = get_protocol("videogpt").with_counts(4)
        >>> size = {"num_frames": 16, "resolution": (64, 64)}
        >>> float(frechet_of_features(features, features, few, random_network(), **size))
        0.0
    """
    protocol = with_trials(protocol, trials)
    check_network(protocol, network)
    check_frames(protocol, "real", num_frames)
    real, fake = as_numpy(real), as_numpy(fake)
    for side, rows in (("real", real), ("fake", fake)):
        check_count(protocol, side, len(rows))
        _check_rows(side, rows, network)
    values = [
        frechet_distance(real[real_rows], fake[fake_rows], protocol.biased)
        for real_rows, fake_rows in _trials(protocol, len(real))
    ]
    floor_count = min(protocol.real_count, len(real) // 2) if floor and len(real) >= 4 else None
    return FrechetResult(
        value=float(np.mean(values)),
        std=float(np.std(values)) if len(values) > 1 else None,
        trials=protocol.trials,
        distance=network.distance,
        protocol=protocol.name,
        real_count=protocol.real_count,
        fake_count=protocol.fake_count,
        num_frames=num_frames,
        resolution=tuple(resolution),
        network=network.name,
        weights_hash=network.weights_hash,
        preprocessing=network.settings.get("preprocessing"),
        epsilon=network.settings.get("epsilon"),
        biased=protocol.biased,
        split=split,
        seed=seed,
        floor=floor_count
        and frechet_distance(
            real[:floor_count], real[floor_count : 2 * floor_count], protocol.biased
        ),
        floor_count=floor_count,
    )


def with_trials(protocol: str | Protocol, trials: int | None) -> Protocol:
    """A protocol by its name, with another number of trials if that is given."""
    protocol = get_protocol(protocol)
    if trials is None:
        return protocol
    return protocol.with_counts(protocol.real_count, protocol.fake_count, trials)


def check_network(protocol: Protocol, network: FeatureNetwork) -> None:
    """Raises `ValueError` for an I3D that is prepared otherwise than the protocol says."""
    for name in ("preprocessing", "epsilon"):
        wanted, given = getattr(protocol, name), network.settings.get(name)
        if network.distance == "FVD" and given not in (None, wanted):
            raise ValueError(
                f"protocol {protocol.name} has {name} {wanted!r}; network has {given!r}. "
                f"Pass I3D(..., {name}={wanted!r})."
            )


def check_count(protocol: Protocol, side: str, given: int) -> None:
    """Raises `ValueError` if there are fewer `"real"` or `"fake"` clips than all trials need."""
    trials = protocol.trials if side == "fake" else 1
    count = protocol.fake_count if side == "fake" else protocol.real_count
    if given < trials * count:
        of_trials = f", {count} in each of {trials} trials" if trials > 1 else ""
        raise ValueError(
            f"protocol {protocol.name} needs {trials * count} {side} clips{of_trials}; got "
            f"{given}. For counts of your own, pass a protocol such as get_protocol("
            f"{protocol.name.partition(',')[0]!r}).with_counts({max(2, given // trials)})."
        )


def check_frames(protocol: Protocol, side: str, frames: int) -> None:
    """Raises `ValueError` if a protocol has clips of another number of frames."""
    if protocol.num_frames not in (None, frames):
        raise ValueError(
            f"protocol {protocol.name} has clips of {protocol.num_frames} frames; {side} has "
            f"{frames}. Cut clips of that length, or pass a protocol of your own: "
            f"with_counts(..., num_frames={frames})."
        )


def _check_rows(side, rows, network):
    if rows.ndim != 2 or rows.shape[1] != network.num_features:
        raise ValueError(
            f"{side} must be features of {network.name}, (N, {network.num_features}); got shape "
            f"{rows.shape}."
        )
    if not np.isfinite(rows).all():
        wrong = (~np.isfinite(rows).all(axis=1)).sum()
        raise ValueError(f"{side} must be finite; {wrong} of {len(rows)} rows are not.")


def _trials(protocol, num_real):
    """Rows of the real and the fake clips of each trial."""
    for trial in range(protocol.trials):
        first = trial * protocol.fake_count
        real = (trial * protocol.real_count + np.arange(protocol.real_count)) % num_real
        yield real, slice(first, first + protocol.fake_count)
