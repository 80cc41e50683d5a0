"""What is measured of held-out clips: reconstructions, likelihoods, features."""

import dataclasses
import os

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.read_batch import BatchReader
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.feature_cache import FeatureCache, open_cache
from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.normalized_error import normalized_mse
from keras_videogpt.metrics.reconstruction import psnr_per_frame
from keras_videogpt.metrics.structural_similarity import WINDOW, ssim_per_frame
from keras_videogpt.metrics.video_features import video_features
from keras_videogpt.models.batch_conditions import conditions_of
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE

NAME = "held-out"


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Held-out clips in the order in which they are measured, and what measures them.

    Args:
        clips: the clips.
        order: int `(N,)`, the indices of those to measure.
        batch_size: clips at a time.
        mean_frame: uint8 `(H, W, C)`, the mean of the training frames, a baseline.
        network: for features of the clips and of their reconstructions; `None` for none.
        real_features: how many clips need features.
        reconstruction_features: how many reconstructions need features.
        perceptual: for LPIPS; `None` for none.
        cache: folder of features that were computed before; `False` for none.
    """

    clips: Clips
    order: np.ndarray
    batch_size: int
    mean_frame: np.ndarray
    network: FeatureNetwork | None = None
    real_features: int = 0
    reconstruction_features: int = 0
    perceptual: LPIPS | None = None
    cache: FeatureCache | bool | str | os.PathLike = True

    def measure(self, model: VQVAE | VideoGPT, results: BatchResults) -> None:
        """Measures every batch that is not in `results` yet.

        Args:
            model: a tokenizer, or a prior, whose tokenizer is measured too.
            results: what is measured goes there, under the name `held-out`.
        """
        read = BatchReader(self.clips)
        cache = self.network and open_cache(self.cache, self.network)
        starts = range(0, len(self.order), self.batch_size)
        with tqdm(total=len(self.order), desc="held-out clips", unit="clip") as bar:
            for start in starts:
                indices = self.order[start : start + self.batch_size]
                if not results.has(NAME, start):
                    batch = read([(int(index), 0) for index in indices])
                    results.save(NAME, start, self._of_batch(model, batch, start, cache))
                bar.update(len(indices))

    def _of_batch(self, model, batch, start, cache) -> dict[str, np.ndarray]:
        prior = isinstance(model, VideoGPT)
        tokenizer = model.tokenizer if prior else model
        videos = np.array(batch["video"])
        codes = tokenizer.encode(videos, self.batch_size)
        reconstructions = to_uint8(tokenizer.decode(codes, self.batch_size))
        variance = float(np.asarray(tokenizer.measured_variance)) or None
        found = {
            "psnr": psnr_per_frame(videos, reconstructions),
            "baseline": psnr_per_frame(videos, np.broadcast_to(self.mean_frame, videos.shape)),
            "counts": _counts(codes, tokenizer)[None],
        }
        if variance:
            found["nmse"] = normalized_mse(videos, reconstructions, variance)
        if min(videos.shape[2:4]) >= WINDOW:
            found["ssim"] = ssim_per_frame(videos, reconstructions)
        if self.perceptual is not None:
            found["lpips"] = self.perceptual(videos, reconstructions)
        if prior:
            conditions = conditions_of(batch, model.conditions)
            found["bits"] = model.bits_per_dim(codes, **conditions, batch_size=self.batch_size)
            if not np.isfinite(found["bits"]).all():
                raise ValueError("model: bits per code are not finite; its weights are damaged.")
        for key, shown, wanted, kept in (
            ("real_features", videos, self.real_features, cache),
            ("reconstruction_features", reconstructions, self.reconstruction_features, None),
        ):
            if self.network is not None and start < wanted:
                found[key] = video_features(
                    shown[: wanted - start],
                    self.network,
                    cache=kept,
                    batch_size=self.batch_size,
                    progress=False,
                )
        return found


def _counts(codes, tokenizer) -> np.ndarray:
    """How often each code occurs: `(G, num_codes)`."""
    books = codes.reshape(-1, tokenizer.num_codebooks).T
    return np.stack([np.bincount(book, minlength=tokenizer.num_codes) for book in books])
