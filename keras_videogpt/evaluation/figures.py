"""What the results of batches come to."""

import dataclasses
import math

import numpy as np

from keras_videogpt.evaluation import held_out, samples
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.metrics.diversity import diversity
from keras_videogpt.metrics.frechet_of_features import frechet_of_features
from keras_videogpt.metrics.frechet_result import FrechetResult
from keras_videogpt.metrics.inception_score import inception_score
from keras_videogpt.metrics.likelihood import bits_per_pixel_dimension
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
    figures = {"held-out clips": len(results.array(held_out.NAME, "psnr"))}
    for key, name in MEANS.items():
        values = results.array(held_out.NAME, key)
        if values.size:
            figures[name] = float(values.mean())
    counts = results.array(held_out.NAME, "counts").sum(axis=0)  # (G, num_codes)
    shares = counts / counts.sum(axis=1, keepdims=True)
    logarithms = np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)
    figures["share of codes used"] = float((counts > 0).mean())
    figures["log2(number of codes)"] = math.log2(tokenizer.num_codes)
    figures["entropy of the code histogram (bits)"] = float(-(shares * logarithms).sum(1).mean())
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
    results: BatchResults, protocol: Protocol, network: FeatureNetwork, prior: bool, **options
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
    once = protocol.with_counts(protocol.real_count, protocol.real_count, trials=1)
    once = protocol if protocol.trials == 1 else once
    found = {
        _name("R-", network): frechet_of_features(real, reconstructed, once, network, **options)
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


def sample_figures(results: BatchResults, has_classes: str | None) -> dict[str, float]:
    """Diversity and Inception Score of samples, beside those of held-out clips.

    Args:
        results: of `HeldOut.measure` and `Samples.measure`.
        has_classes: name of the classifier that the network is, if it is one.

    Returns:
        Figures by name.
    """
    figures = {}
    fake = results.array(samples.NAME, "features")
    real = results.array(held_out.NAME, "real_features", most=len(fake))
    if min(len(fake), len(real)) >= 2:
        figures["diversity of samples"] = diversity(fake)
        figures["diversity of held-out clips"] = diversity(real)
    if has_classes and len(fake) >= 2:
        name = f"Inception Score by {has_classes}"
        figures[f"{name}, samples"] = inception_score(fake, splits=1, logits=True)[0]
        figures[f"{name}, held-out clips"] = inception_score(real, splits=1, logits=True)[0]
    logits = results.array(samples.NAME, "logits")
    if len(logits) >= 2:
        splits = min(10, len(logits) // 2)
        mean, deviation = inception_score(logits, splits=splits, logits=True)
        figures["Inception Score by C3D"] = mean
        figures["Inception Score by C3D, deviation over splits"] = deviation
    return figures
