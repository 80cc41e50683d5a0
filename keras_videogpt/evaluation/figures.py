"""What the results of batches come to."""

import dataclasses
import math
from typing import Any

import numpy as np

from keras_videogpt.evaluation import held_out, samples
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.metrics.diversity import diversity
from keras_videogpt.metrics.frechet_of_features import frechet_of_features
from keras_videogpt.metrics.frechet_result import FrechetResult
from keras_videogpt.metrics.inception_score import InceptionScore, inception_score
from keras_videogpt.metrics.likelihood import bits_per_pixel_dimension, entropy_of_counts
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.protocol import Protocol
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE

MEANS = {
    "psnr": "PSNR (dB)",
    "baseline": "PSNR of the mean training frame (dB)",
    "ssim": "SSIM",
    "nmse": "NMSE",
    "lpips": "LPIPS",
}


def tokenizer_figures(tokenizer: VQVAE, results: BatchResults) -> dict[str, float]:
    """Reconstruction quality and use of the codebook.

    Args:
        tokenizer: the tokenizer that was measured.
        results: of `HeldOut.measure`.

    Returns:
        Figures by name.
    """
    figures: dict[str, float] = {"held-out clips": len(results.array(held_out.NAME, "psnr"))}
    for key, name in MEANS.items():
        values = results.array(held_out.NAME, key)
        if values.size:
            figures[name] = float(values.mean())
    counts = results.array(held_out.NAME, "counts").sum(axis=0)  # (G, num_codes)
    figures["share of codes used"] = float((counts > 0).mean())
    figures["log2(number of codes)"] = math.log2(tokenizer.num_codes)
    figures["entropy of the code histogram (bits)"] = entropy_of_counts(counts)
    return figures


def by_frame(results: BatchResults) -> dict[str, list[float]]:
    """PSNR, SSIM and LPIPS of each position in a clip, as far as they were measured.

    Args:
        results: of `HeldOut.measure`.

    Returns:
        Lists of T numbers by name.
    """
    means = {}
    for key in ("psnr", "ssim", "lpips"):
        values = results.array(held_out.NAME, key)
        if values.size:
            means[MEANS[key]] = values.mean(axis=0).tolist()
    return means


def prior_figures(model: VideoGPT, results: BatchResults) -> dict[str, float]:
    """Likelihood of held-out clips, and the speed of sampling.

    Args:
        model: the prior that was measured.
        results: of `HeldOut.measure` and `Samples.measure`.

    Returns:
        Figures by name.
    """
    bits = float(results.array(held_out.NAME, "bits").mean())
    figures = {
        "bits per code of the prior": bits,
        "bits per pixel dimension": bits_per_pixel_dimension(
            bits, model.codes_shape, model.tokenizer.video_shape
        ),
    }
    seconds = results.array(samples.NAME, "seconds")
    seconds = seconds[np.isfinite(seconds)]
    if seconds.size:
        figures["seconds per sampled video"] = float(np.median(seconds))
        figures["sampled codes per second"] = model.length / float(np.median(seconds))
    return figures


def distances(
    results: BatchResults, protocol: Protocol, network: FeatureNetwork, prior: bool, **options: Any
) -> dict[str, FrechetResult]:
    """Fréchet distances between held-out clips, their reconstructions, and samples.

    Args:
        results: of `HeldOut.measure`, and of `Samples.measure` for a prior.
        protocol: how many clips are compared, and how.
        network: the one whose features were measured.
        prior: whether there are samples.
        **options: other arguments of `frechet_of_features`.

    Returns:
        R-FVD, and of a prior FVD and FVD* (samples against reconstructions), by name.

    Source: arXiv 2104.10157, tables 1, 5 and 7; FVD* after Razavi et al., arXiv 1906.00446.
    """
    real = results.array(held_out.NAME, "real_features")
    reconstructed = results.array(held_out.NAME, "reconstruction_features")
    once = protocol.with_counts(protocol.real_count, trials=1)
    found = {
        _name("R-", network): frechet_of_features(
            real, reconstructed[: protocol.real_count], once, network, **options
        )
    }
    if prior:
        fake = results.array(samples.NAME, "features")
        found[_name("", network)] = frechet_of_features(real, fake, protocol, network, **options)
        found[_name("*", network)] = frechet_of_features(
            reconstructed, fake, protocol, network, **options | {"floor": False}
        )
    return {name: dataclasses.replace(result, distance=name) for name, result in found.items()}


def _name(mark: str, network: FeatureNetwork) -> str:
    if network.distance == "FVD":
        return {"R-": "R-FVD", "": "FVD", "*": "FVD*"}[mark]
    compared = {"R-": "of reconstructions", "": "of samples", "*": "of samples to reconstructions"}
    return f"{network.distance} {compared[mark]}"


def diversities(results: BatchResults) -> dict[str, float]:
    """Mean distance between samples, and between as many held-out clips, in the network's features.

    Args:
        results: of `HeldOut.measure` and `Samples.measure`.

    Returns:
        Figures by name.
    """
    real, fake = _as_many(results)
    if len(real) < 2:
        return {}
    return {
        "diversity of samples": diversity(fake),
        "diversity of held-out clips": diversity(real),
    }


def inception_scores(
    results: BatchResults,
    network: FeatureNetwork | None,
    classifier: FeatureNetwork | None,
    splits: int,
) -> dict[str, InceptionScore]:
    """Inception Scores of samples, and of as many held-out clips where I3D has seen them.

    Args:
        results: of `HeldOut.measure` and `Samples.measure`.
        network: the one of the Fréchet distances; the logits of I3D are a classifier's too.
        classifier: the one that was asked for, if any.
        splits: parts that samples are divided into.

    Returns:
        Scores by name.
    """
    logits = {}
    if network is not None and network.distance == "FVD":
        real, fake = _as_many(results)
        logits[f"Inception Score of samples, {network.name}"] = (fake, network)
        logits[f"Inception Score of held-out clips, {network.name}"] = (real, network)
    if classifier is not None:
        fake = results.array(samples.NAME, "logits")
        logits[f"Inception Score of samples, {classifier.name}"] = (fake, classifier)
    scores = {}
    for name, (rows, scored_by) in logits.items():
        parts = min(splits, len(rows))
        mean, std = inception_score(rows, splits=parts, logits=True)
        scores[name] = InceptionScore(
            mean, std, len(rows), parts, scored_by.name, scored_by.weights_hash
        )
    return scores


def _as_many(results):
    """Features of held-out clips and of samples, equally many."""
    real = results.array(held_out.NAME, "real_features")
    fake = results.array(samples.NAME, "features")
    count = min(len(real), len(fake))
    return real[:count], fake[:count]
