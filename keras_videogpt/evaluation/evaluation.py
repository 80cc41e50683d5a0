import dataclasses
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
    prior_figures,
    sample_figures,
    tokenizer_figures,
)
from keras_videogpt.evaluation.held_out import NAME, HeldOut
from keras_videogpt.evaluation.samples import NAME as SAMPLES
from keras_videogpt.evaluation.samples import Samples
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.feature_cache import FeatureCache
from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.protocol import Protocol
from keras_videogpt.metrics.weights_hash import weights_hash
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import write_file
from keras_videogpt.sampling.controls import check_seed
from keras_videogpt.tokens.fingerprint import fingerprint

SHOWN_SAMPLES = 4


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is measured of a model, and with what.

    Args:
        protocol: how many clips the Fréchet distances compare, and how.
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

    protocol: Protocol
    network: FeatureNetwork | None = None
    classifier: FeatureNetwork | None = None
    perceptual: LPIPS | None = None
    clips: int | None = None
    batch_size: int = 8
    seed: int = 0
    controls: dict = dataclasses.field(default_factory=dict)
    cache: FeatureCache | bool | str | os.PathLike = True

    def __post_init__(self):
        check_positive(batch_size=self.batch_size)
        check_seed(self.seed)
        if self.clips is not None:
            check_positive(clips=self.clips)

    def settings(self, model: VQVAE | VideoGPT, data: str) -> dict:
        """All that decides the results, as JSON can say it.

        Args:
            model: the model.
            data: what the clips are.
        """
        tokenizer = model.tokenizer if isinstance(model, VideoGPT) else model
        return {
            "model": weights_hash(model),
            "tokenizer": fingerprint(tokenizer),
            "data": data,
            "protocol": dataclasses.asdict(self.protocol),
            "network": self.network and self.network.identity(),
            "classifier": self.classifier and self.classifier.identity(),
            "perceptual": self.perceptual
            and {"net": self.perceptual.net, "weights_hash": self.perceptual.weights_hash},
            "clips": self.clips,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "controls": self.controls,
        }

    def run(
        self,
        model: VQVAE | VideoGPT,
        held_out: Clips,
        mean_frame: np.ndarray,
        folder: Path,
        data: str = "",
    ) -> dict:
        """Measures a model on held-out clips, batch by batch.

        Killed at any moment, the same call goes on behind the last finished batch. Memory does not
        grow with the number of clips, but for their features and a few numbers of each.

        Args:
            model: a tokenizer, or a prior, which is measured with its tokenizer.
            held_out: the clips.
            mean_frame: float `(H, W, C)` in [0, 255], the mean frame of the training videos.
            folder: for results of batches, `figures.json` and `clips.png`.
            data: what the clips are, in words: kept with the results.

        Returns:
            Figures by name; of Fréchet distances the value, and beside them `distances`, which has
            all that decides them; `by_frame`; `settings`.

        Raises:
            ValueError: there are fewer clips than the protocol needs, or `folder` holds something
                else.
        """
        order = np.random.default_rng(self.seed).permutation(len(held_out))[: self.clips]
        count, prior = self.protocol.real_count, isinstance(model, VideoGPT)
        if self.network is not None:
            check_clips(self.protocol, len(order), held_out.num_frames)
        for network in (self.network, self.classifier):
            if network is not None:  # says now what it does not take
                network.features(held_out[0]["video"][None], self.batch_size)
        settings = self.settings(model, data)
        results = BatchResults(folder, settings)
        measured = HeldOut(
            held_out,
            order,
            self.batch_size,
            np.rint(mean_frame).astype("uint8"),
            self.network,
            real_features=min(len(order), max(2, self.protocol.trials) * count),
            reconstruction_features=count,
            perceptual=self.perceptual,
            cache=self.cache,
        )
        measured.measure(model, results)
        if prior:
            wanted = self.protocol.fake_count * self.protocol.trials
            used = self.network is not None or self.classifier is not None
            sampled = Samples(
                held_out,
                order,
                max(wanted * used, 2 * self.batch_size),  # the first batch is not timed
                self.batch_size,
                self.seed,
                self.controls,
                self.network,
                self.classifier,
            )
            sampled.measure(model, results)
        found = self._figures(model, results)
        found["settings"] = settings
        text = json.dumps(found, indent=2) + "\n"
        write_file(results.folder / "figures.json", lambda file: file.write_text(text))
        self._draw(model, held_out, order, results)
        return found

    def _figures(self, model, results) -> dict:
        prior = isinstance(model, VideoGPT)
        found = tokenizer_figures(model.tokenizer if prior else model, results)
        if prior:
            found |= prior_figures(model, results)
        found["distances"] = {}
        if self.network is not None:
            tokenizer = model.tokenizer if prior else model
            compared = distances(
                results,
                self.protocol,
                self.network,
                prior,
                num_frames=tokenizer.video_shape[0],
                resolution=tokenizer.video_shape[1:3],
                seed=self.seed,
                split="test",
            )
            for name, result in compared.items():
                found[name] = float(result)
                found["distances"][name] = result.to_dict() | {"text": str(result)}
        if prior:
            has_classes = "I3D, Kinetics-400" if self._is_i3d else None
            found |= sample_figures(results, has_classes)
        return found | {"by_frame": by_frame(results)}

    @property
    def _is_i3d(self):
        return self.network is not None and self.network.distance == "FVD"

    def _draw(self, model, held_out, order, results):
        prior = isinstance(model, VideoGPT)
        tokenizer = model.tokenizer if prior else model
        values = results.array(NAME, "psnr").mean(axis=1)
        rows = extreme_rows(tokenizer, held_out, order, values, "dB", ("best", "worst"))
        if prior:
            bits = results.array(NAME, "bits")
            words = ("unlikeliest", "likeliest")
            rows += extreme_rows(tokenizer, held_out, order, bits, "bits per code", words)
            codes = results.array(SAMPLES, "codes", most=SHOWN_SAMPLES)
            rows.append(("sampled", to_uint8(tokenizer.decode(codes))))
        labelled_strips(rows, results.folder / "clips.png")


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
            f"{clips}. Give more data, or a count of your own (--count, at most {clips})."
        )
    if protocol.num_frames not in (None, frames):
        raise ValueError(
            f"The protocol {protocol.name} has clips of {protocol.num_frames} frames; the model "
            f"has {frames}. Give a count of your own (--count)."
        )
