"""What the models are made of."""

from keras_videogpt.layers.axial_attention import AxialAttention
from keras_videogpt.layers.causal_attention import CausalSelfAttention
from keras_videogpt.layers.normalization import normalization
from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.layers.pixels import normalize_pixels, to_uint8
from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.layers.residual_block import ResidualBlock
from keras_videogpt.layers.start_of_sequence import StartOfSequence
from keras_videogpt.layers.transformer_block import TransformerBlock

__all__ = [
    "AxialAttention",
    "CausalSelfAttention",
    "PaddedConv3D",
    "PositionEmbedding",
    "ResidualBlock",
    "StartOfSequence",
    "TransformerBlock",
    "normalization",
    "normalize_pixels",
    "to_uint8",
]
