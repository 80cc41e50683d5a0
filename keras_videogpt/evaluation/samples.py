"""Clips sampled from a prior, and their features: as many as a protocol asks for."""

import dataclasses
import time

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.read_batch import BatchReader
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.models.batch_conditions import conditions_of
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.sample_batches import sample_batches

NAME = "samples"
# Clips whose conditions are in memory at once, at least; each such part has a seed of its own,
# far from whatever seed is used elsewhere.
PART = 256
SEED_STEP = 2**63


@dataclasses.dataclass(frozen=True)
class Samples:
    """Clips to sample, each under the conditions of a held-out clip, and what measures them.

    Args:
        clips: held-out clips.
        order: int `(N,)`; sample i has the conditions of clip `order[i % N]`.
        count: how many to sample.
        batch_size: clips at a time.
        seed: of the sampling.
        controls: `temperature`, `top_k`, `top_p` and `guidance` of `sample`, if not the defaults.
        network: for their features; `None` for none.
        classifier: for the Inception Score, a network whose features are logits; `None` for none.
    """

    clips: Clips
    order: np.ndarray
    count: int
    batch_size: int
    seed: int
    controls: dict
    network: FeatureNetwork | None = None
    classifier: FeatureNetwork | None = None

    def measure(self, model: VideoGPT, results: BatchResults) -> None:
        """Samples and measures every batch that is not in `results` yet.

        Args:
            model: the prior.
            results: codes, features and seconds go there, under the name `samples`.
        """
        with tqdm(total=self.count, desc="samples", unit="clip") as bar:
            part = max(PART, 2 * self.batch_size)  # the first batch of a part is not timed
            for first in range(0, self.count, part):
                seed = self.seed + first // part * SEED_STEP
                last = min(first + part, self.count)
                self._measure_part(model, results, first, last, seed, bar)

    def _measure_part(self, model, results, first, last, seed, bar):
        starts = range(first, last, self.batch_size)
        left = [start for start in starts if not results.has(NAME, start)]
        left = range(left[0], last, self.batch_size) if left else ()
        bar.update((left[0] if left else last) - first)
        if not left:
            return
        batches = sample_batches(
            model,
            last - first,
            **self._conditions(model, first, last),
            **self.controls,
            seed=seed,
            batch_size=self.batch_size,
            first_clip=left[0] - first,
            progress=False,
        )
        begun = time.perf_counter()
        for start, (videos, codes) in zip(left, batches, strict=True):
            # The first batch of a process may be compiled in that time.
            seconds = np.nan if start == left[0] else time.perf_counter() - begun
            if model.tokenizer.num_codes <= 2**16:
                codes = codes.astype("uint16")
            found = {"codes": codes, "seconds": np.full(len(codes), seconds / self.batch_size)}
            for key, network in (("features", self.network), ("logits", self.classifier)):
                if network is not None:
                    found[key] = network.features(videos, self.batch_size)
            results.save(NAME, start, found)
            bar.update(len(codes))
            begun = time.perf_counter()

    def _conditions(self, model, first, last) -> dict[str, np.ndarray]:
        if not model.conditions.taken:
            return {}
        read, parts = BatchReader(self.clips), []
        for start in range(first, last, self.batch_size):
            places = np.arange(start, min(start + self.batch_size, last)) % len(self.order)
            batch = read([(int(index), 0) for index in self.order[places]])
            found = conditions_of(batch, model.conditions)
            parts.append({name: np.array(value) for name, value in found.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
