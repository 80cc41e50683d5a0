"""What the models are made of."""

from keras_videogpt.layers.axial_attention import AxialAttention
from keras_videogpt.layers.causal_attention import CausalSelfAttention
from keras_videogpt.layers.condition_dropout import ConditionDropout
from keras_videogpt.layers.cross_attention import CrossAttention
from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.layers.normalization import normalization
from keras_videogpt.layers.null_vector import NullVector
from keras_videogpt.layers.padded_convolution import PaddedConv3D
from keras_videogpt.layers.pixels import normalize_pixels, to_uint8
from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.layers.residual_block import ResidualBlock
from keras_videogpt.layers.sparse_attention import StridedSparseSelfAttention
from keras_videogpt.layers.start_of_sequence import StartOfSequence
from keras_videogpt.layers.strided_layout import strided_layout
from keras_videogpt.layers.transformer_block import TransformerBlock
from keras_videogpt.layers.transposed_convolution import Conv3DTranspose

__all__ = [
    "AxialAttention",
    "CausalSelfAttention",
    "ConditionDropout",
    "Conv3DTranspose",
    "CrossAttention",
    "LayerNormalization",
    "NullVector",
    "PaddedConv3D",
    "PositionEmbedding",
    "ResidualBlock",
    "StartOfSequence",
    "StridedSparseSelfAttention",
    "TransformerBlock",
    "normalization",
    "normalize_pixels",
    "strided_layout",
    "to_uint8",
]
