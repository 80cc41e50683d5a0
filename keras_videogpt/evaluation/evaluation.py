import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from keras_videogpt.data.clips import Clips
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.evaluation.extremes import extreme_rows, labelled_strips
from keras_videogpt.evaluation.figures import (
    by_frame,
    distances,
    diversities,
    inception_scores,
    prior_figures,
    tokenizer_figures,
)
from keras_videogpt.evaluation.held_out import NAME, HeldOut
from keras_videogpt.evaluation.samples import NAME as SAMPLES
from keras_videogpt.evaluation.samples import Samples
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.feature_cache import FeatureCache
from keras_videogpt.metrics.frechet_of_features import check_frames
from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.protocol import Protocol, get_protocol
from keras_videogpt.metrics.weights_hash import weights_hash
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import write_file
from keras_videogpt.sampling.controls import check_controls, check_seed
from keras_videogpt.sampling.guidance import check_guidance
from keras_videogpt.tokens.fingerprint import fingerprint

SHOWN_SAMPLES, HASHED_CLIPS = 4, 16
CONTROLS = ("temperature", "top_k", "top_p", "guidance")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is measured of a model, and with what.

    Args:
        protocol: how many clips the Fréchet distances compare, and how; or its name.
        network: in whose features; `None` leaves the distances out.
        classifier: for the Inception Score of samples, a network whose features are logits, such as
            `C3D`; `None` for none beside that of I3D.
        perceptual: for LPIPS; `None` leaves it out.
        clips: most held-out clips to measure; `None` for all.
        batch_size: clips at a time.
        seed: of the order of the clips, of the trials, and of the sampling.
        controls: `temperature`, `top_k`, `top_p` and `guidance` of `sample`.
        cache: folder of features of real clips; `True` for the usual one, `False` for none.
    """

    protocol: Protocol | str
    network: FeatureNetwork | None = None
    classifier: FeatureNetwork | None = None
    perceptual: LPIPS | None = None
    clips: int | None = None
    batch_size: int = 8
    seed: int = 0
    controls: dict = dataclasses.field(default_factory=dict)
    cache: FeatureCache | bool | str | os.PathLike = True

    def __post_init__(self):
        object.__setattr__(self, "protocol", get_protocol(self.protocol))
        check_positive(batch_size=self.batch_size)
        check_seed(self.seed)
        if self.clips is not None:
            check_positive(clips=self.clips)
        if unknown := sorted(set(self.controls) - set(CONTROLS)):
            raise ValueError(f"controls must be among {CONTROLS}; got {unknown}.")

    def settings(
        self,
        model: VQVAE | VideoGPT,
        held_out: Clips,
        mean_frame: np.ndarray,
        data: dict | str = "",
    ) -> dict:
        """All that decides the results, as JSON can say it.

        Args:
            model, held_out, mean_frame, data: as in `run`.
        """
        tokenizer = tokenizer_of(model)
        perceptual = self.perceptual
        return {
            "model": weights_hash(model),
            "precision": model.layers_policy.name,
            "tokenizer": fingerprint(tokenizer),
            "data": data,
            "clips_hash": self._clips_hash(held_out, mean_frame),
            "protocol": dataclasses.asdict(get_protocol(self.protocol)),
            "network": self.network and self.network.identity(),
            "classifier": self.classifier and self.classifier.identity(),
            "perceptual": perceptual
            and {"net": perceptual.net, "weights_hash": perceptual.weights_hash},
            "clips": self.clips,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "controls": self.controls,
        }

    def _clips_hash(self, held_out, mean_frame):
        """A hash of the mean frame, and of some of the clips with their conditions."""
        digest = hashlib.sha256(np.rint(mean_frame).astype("uint8").tobytes())
        order = self._order(held_out)
        for index in order[:: max(1, len(order) // HASHED_CLIPS)]:
            for name, value in sorted(held_out[int(index)].items()):
                digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()[:16]

    def _order(self, held_out):
        return np.random.default_rng(self.seed).permutation(len(held_out))[: self.clips]

    def check(self, model: VQVAE | VideoGPT, held_out: Clips) -> None:
        """Raises `ValueError` for what can't be measured, before hours are spent on it.

        Args:
            model, held_out: as in `run`.
        """
        tokenizer = tokenizer_of(model)
        if isinstance(model, VideoGPT):
            controls = {"temperature": 1.0, "top_k": None, "top_p": None} | self.controls
            check_guidance(model, controls.pop("guidance", 1.0))
            check_controls(**controls, num_codes=tokenizer.num_codes)
        elif self.controls or self.classifier is not None:
            given = "controls" if self.controls else "classifier"
            raise ValueError(f"{given} must be left out: it is of sampling, and model a tokenizer.")
        if self.network is not None:
            check_clips(
                get_protocol(self.protocol), len(self._order(held_out)), held_out.num_frames
            )
        for network in (self.network, self.classifier):
            if network is not None:  # says now what it does not take
                network.features(held_out[0]["video"][None], self.batch_size)

    def run(
        self,
        model: VQVAE | VideoGPT,
        held_out: Clips,
        mean_frame: np.ndarray,
        folder: Path,
        data: dict | str = "",
        split: str | None = None,
    ) -> dict:
        """Measures a model on held-out clips, batch by batch.

        Killed at any moment, the same call goes on behind the last finished batch. Memory does not
        grow with the number of clips, but for their features and a few numbers of each.

        Args:
            model: a tokenizer, or a prior, which is measured with its tokenizer.
            held_out: the clips.
            mean_frame: float `(H, W, C)` in [0, 255], the mean frame of the training videos.
            folder: for results of batches, `figures.json` and `clips.png`.
            data: what the clips are, in words or as JSON can say it: kept with the results.
            split: of the data that the clips are from, to be told with the distances.

        Returns:
            Figures by name. Of Fréchet distances and Inception Scores these are the values;
            `distances` and `scores` have all that decides them. `by_frame` has the mean of each
            position in a clip; `settings` those of this evaluation.

        Raises:
            ValueError: there are fewer clips than the protocol needs, an argument does not fit
                another, or `folder` holds something else.
        """
        if np.shape(mean_frame) != tokenizer_of(model).video_shape[1:]:
            raise ValueError(
                f"mean_frame must have the shape of a frame, {tokenizer_of(model).video_shape[1:]};"
                f" got {np.shape(mean_frame)}."
            )
        self.check(model, held_out)
        settings = self.settings(model, held_out, mean_frame, data)
        with BatchResults(folder, settings) as results:
            self._measure(model, held_out, mean_frame, results)
            found = self._figures(model, results, split) | {"settings": settings}
            text = json.dumps(found, indent=2) + "\n"
            write_file(results.folder / "figures.json", lambda file: file.write_text(text))
            self._draw(model, held_out, results)
        return found

    def _measure(self, model, held_out, mean_frame, results):
        order, protocol = self._order(held_out), self.protocol
        prior = isinstance(model, VideoGPT)
        trials = protocol.trials if prior else 1
        HeldOut(
            held_out,
            order,
            self.batch_size,
            np.rint(mean_frame).astype("uint8"),
            self.network,
            real_features=min(len(order), max(2, trials) * protocol.real_count),
            reconstruction_features=min(len(order), trials * protocol.real_count),
            perceptual=self.perceptual,
            cache=self.cache,
        ).measure(model, results)
        if prior:
            used = self.network is not None or self.classifier is not None
            Samples(
                held_out,
                order,
                # At least two batches: the first one is not timed.
                max(protocol.fake_count * trials * used, 2 * self.batch_size),
                self.batch_size,
                self.seed,
                self.controls,
                self.network,
                self.classifier,
            ).measure(model, results)

    def _figures(self, model, results, split) -> dict:
        prior, tokenizer = isinstance(model, VideoGPT), tokenizer_of(model)
        protocol = get_protocol(self.protocol)
        found = tokenizer_figures(tokenizer, results)
        compared, scores = {}, {}
        if prior:
            found |= prior_figures(model, results)
        if self.network is not None:
            compared = distances(
                results,
                protocol,
                self.network,
                prior,
                num_frames=tokenizer.video_shape[0],
                resolution=tokenizer.video_shape[1:3],
                seed=self.seed,
                split=split,
            )
        if prior:
            scores = inception_scores(results, self.network, self.classifier, protocol.trials)
        for name, result in (compared | scores).items():
            found[name] = float(result)
        if prior and self.network is not None:
            found |= diversities(results)
        return found | {
            "distances": _details(compared),
            "scores": _details(scores),
            "by_frame": by_frame(results),
        }

    def _draw(self, model, held_out, results):
        prior, tokenizer = isinstance(model, VideoGPT), tokenizer_of(model)
        order = self._order(held_out)
        values = results.array(NAME, "psnr").mean(axis=1)
        rows = extreme_rows(tokenizer, held_out, order, values, "dB", ("best", "worst"))
        if prior:
            bits = results.array(NAME, "bits")
            words = ("unlikeliest", "likeliest")
            rows += extreme_rows(tokenizer, held_out, order, bits, "bits per code", words)
            codes = results.array(SAMPLES, "codes", most=SHOWN_SAMPLES)
            rows.append(("sampled", to_uint8(tokenizer.decode(codes))))
        labelled_strips(rows, results.folder / "clips.png")


def tokenizer_of(model: VQVAE | VideoGPT) -> VQVAE:
    """The tokenizer that a model is, or has; `ValueError` for what is no model."""
    if isinstance(model, VideoGPT):
        return model.tokenizer
    if isinstance(model, VQVAE):
        return model
    raise ValueError(
        f"model must be a VQVAE or a VideoGPT, see keras_videogpt.load; got {model!r}."
    )


def check_clips(protocol: Protocol, clips: int, frames: int) -> None:
    """Raises `ValueError` unless a protocol can be kept.

    Args:
        protocol: the protocol.
        clips: held-out clips to measure.
        frames: of a clip.
    """
    if clips < protocol.real_count:
        raise ValueError(
            f"The protocol {protocol.name} needs {protocol.real_count} held-out clips; there are "
            f"{clips}. Give more data, or a count of your own (--count), or leave distances out."
        )
    check_frames(protocol, "the model", frames)


def _details(results):
    return {name: result.to_dict() | {"text": str(result)} for name, result in results.items()}
