import dataclasses


@dataclasses.dataclass(frozen=True)
class FrechetResult:
    """A Fréchet distance with all that decides it.

    Args:
        value: the distance, the mean over the trials.
        std: standard deviation over the trials; `None` for one.
        trials: how often it was measured.
        distance: what it is called: `"FVD"`, or what the network's is.
        protocol: name of the protocol.
        real_count: real clips of a trial.
        fake_count: fake clips of a trial.
        num_frames: of a clip.
        resolution: `(height, width)` of the clips in pixels, before the preprocessing.
        network: its name.
        weights_hash: 16 hexadecimal digits that tell the network's weights from others.
        preprocessing: the network's; `None` if it has but one.
        epsilon: of the network's batch normalizations, if it can be chosen.
        biased: whether covariances were divided by the number of clips, and not by one less.
        split: of the data that the real clips are from, if it was told.
        seed: of the trials.
        floor: distance between real clips and other real clips, which a perfect model would reach;
            `None` if it was not measured.
        floor_count: clips on either side of the floor.

    Example:
        >>> result = FrechetResult(
        ...     103.3, 2.2, 10, "FVD", "videogpt-paper", 256, 256, 16, (64, 64), "I3D logits",
        ...     "0123456789abcdef", "stretch", 1e-5, False, "test", 0, 60.0, 128,
        ... )
        >>> str(result).startswith("FVD 103.3 +- 2.2 (10 trials; protocol videogpt-paper: 256 real")
        True
        >>> float(result)
        103.3
    """

    value: float
    std: float | None
    trials: int
    distance: str
    protocol: str
    real_count: int
    fake_count: int
    num_frames: int
    resolution: tuple[int, ...]
    network: str
    weights_hash: str
    preprocessing: str | None
    epsilon: float | None
    biased: bool
    split: str | None
    seed: int
    floor: float | None
    floor_count: int | None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        digits = 1 if self.value >= 10 else 4
        value = f"{self.distance} {self.value:.{digits}f}"
        if self.std is not None:
            value += f" +- {self.std:.{digits}f}"
        height, width = self.resolution
        parts = [
            "1 trial" if self.trials == 1 else f"{self.trials} trials",
            f"protocol {self.protocol}: {self.real_count} real, {self.fake_count} fake clips of "
            f"{self.num_frames} frames of {height}x{width}",
            f"{self.network} {self.weights_hash}",
        ]
        if self.preprocessing is not None:
            parts.append(f"preprocessing {self.preprocessing}")
        if self.epsilon is not None:
            parts.append(f"epsilon {self.epsilon:g}")
        if self.biased:
            parts.append("biased covariances")
        if self.split is not None:
            parts.append(f"split {self.split}")
        parts.append(f"seed {self.seed}")
        if self.floor is not None:
            parts.append(
                f"floor {self.floor:.{digits}f}, {self.floor_count} real against as many others"
            )
        return f"{value} ({'; '.join(parts)})"

    def to_dict(self) -> dict:
        """The fields by name, ready for JSON."""
        return dataclasses.asdict(self) | {"resolution": list(self.resolution)}
