"""What is measured: frames, codebooks, likelihoods, and distances between sets of videos."""

from keras_videogpt.metrics.codebook import CodebookPerplexity, CodesUsed
from keras_videogpt.metrics.diversity import conditional_diversity, diversity
from keras_videogpt.metrics.frame_metrics import PSNR, SSIM, NormalizedMSE
from keras_videogpt.metrics.frechet import frechet_distance
from keras_videogpt.metrics.frechet_of_features import frechet_of_features
from keras_videogpt.metrics.frechet_result import FrechetResult
from keras_videogpt.metrics.fvd import fvd
from keras_videogpt.metrics.inception_score import (
    InceptionScore,
    inception_score,
    video_inception_score,
)
from keras_videogpt.metrics.likelihood import bits_per_pixel_dimension, code_entropy
from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.networks.c3d import C3D
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.i3d import I3D
from keras_videogpt.metrics.networks.random_network import random_network
from keras_videogpt.metrics.networks.video_swin import video_swin
from keras_videogpt.metrics.normalized_error import normalized_mse
from keras_videogpt.metrics.protocol import PROTOCOLS, Protocol, get_protocol
from keras_videogpt.metrics.published_results import PUBLISHED, beside, published
from keras_videogpt.metrics.reconstruction import psnr, psnr_per_frame
from keras_videogpt.metrics.structural_similarity import ssim, ssim_per_frame
from keras_videogpt.metrics.video_features import video_features

__all__ = [
    "C3D",
    "CodebookPerplexity",
    "CodesUsed",
    "FeatureNetwork",
    "FrechetResult",
    "I3D",
    "InceptionScore",
    "LPIPS",
    "NormalizedMSE",
    "PROTOCOLS",
    "PSNR",
    "PUBLISHED",
    "Protocol",
    "SSIM",
    "beside",
    "bits_per_pixel_dimension",
    "code_entropy",
    "conditional_diversity",
    "diversity",
    "frechet_distance",
    "frechet_of_features",
    "fvd",
    "get_protocol",
    "inception_score",
    "normalized_mse",
    "psnr",
    "psnr_per_frame",
    "published",
    "random_network",
    "ssim",
    "ssim_per_frame",
    "video_features",
    "video_inception_score",
    "video_swin",
]
