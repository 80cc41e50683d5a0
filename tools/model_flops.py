"""Floating-point operations of a training step, counted from the models' formulas.

Two for every multiplication with a sum, of matrix products and convolutions only; the backward pass
has twice those of the forward pass. What is computed again to save memory does not count.
"""

import math

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.layers import strided_layout
from keras_videogpt.models.encoder import strides_per_convolution


def visible_positions(model: VideoGPT) -> float:
    """Positions that one attends to in self-attention, in the mean over all."""
    if model.attention == "full":
        return (model.length + 1) / 2
    size = model.block_size
    layout = strided_layout(model.codes_shape, size, model.num_local_blocks)
    before, diagonal = layout.sum() - len(layout), len(layout)
    return (before * size**2 + diagonal * size * (size + 1) / 2) / model.length


def prior_flops(model: VideoGPT) -> float:
    """Of a step over one clip's codes, by a prior without conditions."""
    width = model.hidden_dim
    block = 4 * width**2 + 2 * int(width * model.feed_forward_ratio) * width
    block += 2 * width * visible_positions(model)
    ends = (model.tokenizer.code_dim + model.tokenizer.num_codes) * width
    return 3 * 2 * model.length * (model.num_layers * block + ends)


def vqvae_flops(model: VQVAE) -> float:
    """Of a step over one clip."""
    width, inner = model.hidden_units, model.residual_units
    *grid, channels = model.video_shape
    codes = model.codes_shape[:3]
    latents = math.prod(codes)
    vectors = model.num_codebooks * model.code_dim

    block = 27 * width * inner + inner * width
    if model.axial_attention:
        block += sum(4 * width**2 + 2 * size * width for size in codes)
    total = latents * (2 * model.num_residual_layers * block + 27 * width**2 + 2 * width * vectors)
    strides = strides_per_convolution(model.downsample)
    for i, stride in enumerate(strides):
        grid = [size // s for size, s in zip(grid, stride, strict=True)]
        total += math.prod(grid) * 4**3 * (width if i else channels) * width
    grid = codes
    for i, stride in enumerate(strides):
        # Every input of a transposed convolution meets the whole kernel.
        total += math.prod(grid) * 4**3 * (channels if i == len(strides) - 1 else width) * width
        grid = [size * s for size, s in zip(grid, stride, strict=True)]
    # No gradient goes through the distances to the codes.
    return 3 * 2 * total + 2 * latents * model.num_codes * vectors
