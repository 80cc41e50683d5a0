from typing import Any

import keras
import numpy as np
from keras import ops

from keras_videogpt.layers.block_sparse_attention import block_sparse_attention
from keras_videogpt.layers.causal_attention import CausalSelfAttention
from keras_videogpt.layers.strided_layout import strided_layout
from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class StridedSparseSelfAttention(CausalSelfAttention):
    """Causal self-attention to nearby blocks of codes and to the same place in earlier frames.

    Its cost follows the blocks kept by `strided_layout`: a tenth of full attention for codes
    `(4, 32, 32)`.

    Args:
        num_heads: number of heads; must divide the channels.
        grid: shape of the codes, such as `(t, h, w)`; its product is the length L.
        block_size: positions per block.
        num_local_blocks: blocks before it that a block attends to.
        **kwargs: arguments of `CausalSelfAttention`.

    Call arguments:
        x: float `(B, L, channels)`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> layer = StridedSparseSelfAttention(num_heads=2, grid=(2, 8, 8), block_size=8)
        >>> layer(keras.ops.zeros((1, 128, 16))).shape
        (1, 128, 16)

    Reference: arXiv 2104.10157, section 3; arXiv 1904.10509.
    """

    def __init__(
        self,
        num_heads: int,
        grid: tuple[int, ...],
        block_size: int = 32,
        num_local_blocks: int = 4,
        **kwargs: Any,
    ):
        super().__init__(num_heads, **kwargs)
        self.grid = tuple(grid)
        self.block_size = block_size
        self.num_local_blocks = num_local_blocks
        self.layout = strided_layout(self.grid, block_size, num_local_blocks)
        self._visible = visible_positions(self.layout, block_size)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        blocks = query.shape[1] // self.block_size
        return block_sparse_attention(query, key, value, self.layout[:blocks, :blocks])

    def begin_run(self, cache: tuple, first: Tensor, steps: int) -> tuple:
        # A run lies within one block, and sees the same blocks at all its positions. What is filled
        # of them is copied to its arrays, where what is not, from the last block, comes last.
        if isinstance(first, int):
            positions = self._visible[first // self.block_size]
            start = int((positions < first).sum())
        else:
            visible = ops.convert_to_tensor(self._visible)
            positions = ops.take(visible, first // self.block_size, axis=0)
            start = ops.sum(ops.cast(positions < first, "int32"))
        positions = ops.minimum(positions, len(self.layout) * self.block_size - 1)
        run = [ops.take(ops.convert_to_tensor(array), positions, axis=1) for array in cache]
        return None, tuple(run), start

    def get_config(self):
        return {
            **super().get_config(),
            "grid": self.grid,
            "block_size": self.block_size,
            "num_local_blocks": self.num_local_blocks,
        }


def visible_positions(layout: np.ndarray, block_size: int) -> np.ndarray:
    """The positions in the blocks that each block attends to, of equal number for every block.

    Args:
        layout: bool `(blocks, blocks)`.
        block_size: positions per block.

    Returns:
        int32 `(blocks, positions)`; rows with fewer are filled with the length of the sequence,
        which is no position.
    """
    length = len(layout) * block_size
    visible = np.full((len(layout), layout.sum(axis=1).max(), block_size), length, "int32")
    for row, kept in enumerate(layout):
        columns = np.flatnonzero(kept)
        visible[row, : len(columns)] = columns[:, None] * block_size + np.arange(block_size)
    return visible.reshape(len(layout), -1)
