"""What is measured: reconstructions, codebooks, likelihoods."""

from keras_videogpt.metrics.codebook import CodebookPerplexity, CodesUsed
from keras_videogpt.metrics.likelihood import code_entropy
from keras_videogpt.metrics.reconstruction import psnr

__all__ = ["CodebookPerplexity", "CodesUsed", "code_entropy", "psnr"]
