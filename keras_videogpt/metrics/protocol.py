import dataclasses
from typing import Self

from keras_videogpt.metrics.networks.i3d import PREPROCESSING
from keras_videogpt.metrics.positive_number import check_positive_number
from keras_videogpt.models.checks import check_choice, check_positive


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a Fréchet distance is measured: distances of different protocols don't compare.

    Args:
        name: of the protocol.
        real_count: real clips of each trial.
        fake_count: fake clips of each trial, others in each.
        num_frames: of a clip; `None` for any number.
        preprocessing: of I3D, one of its own.
        epsilon: of I3D's batch normalizations, above 0.
        biased: whether covariances are divided by the number of clips, and not by one less.
        trials: how often it is measured; the result is the mean.
        source: the code that measures so.
        notes: whose numbers compare, and what the code does besides.

    Example:
        >>> get_protocol("videogpt").with_counts(72).name
        'videogpt, 72 against 72'
    """

    name: str
    real_count: int
    fake_count: int
    num_frames: int | None
    preprocessing: str
    epsilon: float
    biased: bool
    trials: int
    source: str
    notes: str

    # The one whose counts were changed. No field: it decides nothing.
    _base = None

    def __post_init__(self):
        check_positive(real_count=self.real_count, fake_count=self.fake_count, trials=self.trials)
        check_choice("preprocessing", self.preprocessing, tuple(PREPROCESSING))
        check_positive_number("epsilon", self.epsilon)
        if self.num_frames is not None:
            check_positive(num_frames=self.num_frames)
        if min(self.real_count, self.fake_count) < 2:
            raise ValueError(
                "real_count and fake_count must be at least 2; got "
                f"{self.real_count} and {self.fake_count}."
            )

    def with_counts(
        self,
        real: int,
        fake: int | None = None,
        trials: int | None = None,
        num_frames: int | None = None,
    ) -> Self:
        """The same protocol with counts of one's own, which its name then says.

        Args:
            real: real clips of each trial.
            fake: fake clips of each trial; `None` for as many.
            trials: how often it is measured; `None` for as often as before.
            num_frames: of a clip; `None` for as many as before.

        Returns:
            A protocol; this one stays as it is.

        Raises:
            ValueError: a count is less than 2, or `trials` or `num_frames` less than 1.

        Example:
            >>> get_protocol("videogpt").with_counts(100, 50, trials=3, num_frames=9).name
            'videogpt, 100 against 50, 3 trials, 9 frames'
        """
        base = self._base or self
        own = dataclasses.replace(
            self,
            real_count=real,
            fake_count=real if fake is None else fake,
            trials=self.trials if trials is None else trials,
            num_frames=self.num_frames if num_frames is None else num_frames,
        )
        parts = [base.name]
        if (own.real_count, own.fake_count) != (base.real_count, base.fake_count):
            parts.append(f"{own.real_count} against {own.fake_count}")
        if own.trials != base.trials:
            parts.append("1 trial" if own.trials == 1 else f"{own.trials} trials")
        if own.num_frames != base.num_frames:
            parts.append(f"{own.num_frames} frames")
        own = dataclasses.replace(own, name=", ".join(parts))
        object.__setattr__(own, "_base", base)  # the class is frozen
        return own


def get_protocol(protocol: str | Protocol) -> Protocol:
    """A protocol by its name.

    Args:
        protocol: one of `PROTOCOLS`, or a protocol, which is returned as it is.

    Returns:
        The protocol.

    Raises:
        ValueError: there is none of this name.

    Example:
        >>> get_protocol("tats").real_count
        2048
    """
    if isinstance(protocol, Protocol):
        return protocol
    check_choice("protocol", protocol, tuple(PROTOCOLS))
    return PROTOCOLS[protocol]


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="videogpt",
            real_count=256,
            fake_count=256,
            num_frames=16,
            preprocessing="videogpt",
            epsilon=1e-5,
            biased=False,
            trials=1,
            source="github.com/wilson1yan/VideoGPT, scripts/compute_fvd.py",
            notes="VideoGPT's released models. The real clips are a random batch of the test "
            "split, and samples get their first frames or labels. That code cuts pixels to "
            "integers where this one rounds.",
        ),
        Protocol(
            name="videogpt-paper",
            real_count=256,
            fake_count=256,
            num_frames=16,
            preprocessing="stretch",
            epsilon=1e-5,
            biased=False,
            trials=10,
            source="github.com/wilson1yan/VideoGPT-Paper, scripts/compute_fvd_avg_samples.py",
            notes="The tables of the paper, arXiv 2104.10157. As videogpt, but with the mean and "
            "the deviation of 10 trials, each with its own samples and its own random clips of "
            "the test split. Frames that are not square are stretched; for square ones of most "
            "sizes, 64x64 among them, the preprocessing is that of videogpt.",
        ),
        Protocol(
            name="magvit",
            real_count=10_000,
            fake_count=10_000,
            num_frames=16,
            preprocessing="magvit",
            epsilon=1e-3,
            biased=False,
            trials=4,
            source="github.com/google-research/magvit, videogvt/train_lib/eval_utils.py and "
            "videogvt/tools/compute_fvd.py",
            notes="MAGVIT, arXiv 2212.05199. The counts are those of UCF-101, whose real clips are "
            "of the train split. On BAIR, its code has 25,600 samples a trial, for each start in "
            "the 30 frames of the 256 test videos or for the first one alone: "
            "with_counts(3840, 25_600), or with_counts(256, 25_600). Real clips that it repeats "
            "count once here. compute_fvd.py resizes to 64x64 first, as here, and eval_utils.py "
            "does not: they differ on clips of other sizes.",
        ),
        Protocol(
            name="tats",
            real_count=2048,
            fake_count=2048,
            num_frames=16,
            preprocessing="stretch",
            epsilon=1e-5,
            biased=False,
            trials=1,
            source="github.com/songweige/TATS, tats/fvd/fvd.py",
            notes="TATS, arXiv 2204.03638, and those who took its code. Network and preprocessing "
            "are those of videogpt-paper; eight times as many clips give lower numbers.",
        ),
        Protocol(
            name="stylegan-v",
            real_count=2048,
            fake_count=2048,
            num_frames=16,
            preprocessing="stretch",
            epsilon=1e-3,
            biased=True,
            trials=1,
            source="github.com/universome/stylegan-v, src/metrics/frechet_video_distance.py",
            notes="StyleGAN-V, arXiv 2112.14683, its fvd2048_16f, and those who took its code. Its "
            "I3D is a copy of TensorFlow Hub's in TorchScript. Frames there are mostly of 256x256; "
            "numbers of other sizes don't compare.",
        ),
    )
}
