import math

import numpy as np


def strided_layout(
    grid: tuple[int, ...], block_size: int = 32, num_local_blocks: int = 4
) -> np.ndarray:
    """Which blocks of a causal sequence attend to which, in strided-sparse attention over a grid.

    The flattened grid is cut into blocks of `block_size` positions. A block attends to itself, to
    the `num_local_blocks` blocks before it, and to the blocks at the same place in earlier rows of
    every leading axis of the grid of blocks. For codes `(t, 32, 32)` and blocks of 32 a block is a
    row of a latent frame: it sees the four rows above it, and itself in all earlier frames.

    Args:
        grid: shape of the codes, such as `(t, h, w)`.
        block_size: positions per block.
        num_local_blocks: blocks before it that a block attends to, at least 1.

    Returns:
        bool `(blocks, blocks)`, lower triangular: row attends to column. In the block on the
        diagonal a position attends to those up to it.

    Raises:
        ValueError: the grid can't be cut into blocks of that size.

    Example:
        >>> layout = strided_layout((4, 32, 32))
        >>> int(layout.sum()), layout.shape
        (822, (128, 128))

    Reference: arXiv 1904.10509 (strided attention); the original code's N-d layout.
    """
    if num_local_blocks < 1:
        raise ValueError(f"num_local_blocks must be at least 1; got {num_local_blocks}.")
    block_grid = _grid_of_blocks(grid, block_size)
    index = np.stack(np.unravel_index(np.arange(math.prod(block_grid)), block_grid), axis=-1)
    rows, columns = index[:, None], index[None]  # (blocks, 1, axes), (1, blocks, axes)
    number = np.arange(len(index))
    distance = number[:, None] - number[None]
    layout = (distance >= 0) & (distance <= num_local_blocks)
    for axis in range(len(block_grid) - 1):
        others = np.delete(rows == columns, axis, axis=-1).all(axis=-1)
        layout |= others & (columns[..., axis] <= rows[..., axis])
    return layout


def _grid_of_blocks(grid, block_size):
    """The leading axes of the grid, and how many blocks the others have."""
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1; got {block_size}.")
    leading = list(grid)
    inner = 1
    while leading and inner <= block_size:
        inner *= leading.pop()
    if inner % block_size:
        raise ValueError(
            f"Strided-sparse attention cuts the codes into blocks of {block_size}, which must "
            f"divide the product of the last axes; got codes of shape {tuple(grid)}, and "
            f"{block_size} does not divide {inner}. Choose another block size, or full attention."
        )
    return (*leading, inner // block_size)
