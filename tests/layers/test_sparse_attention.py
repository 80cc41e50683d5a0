import keras
import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, gradient, randomize, stepped
from keras import ops

from keras_videogpt.layers import StridedSparseSelfAttention, strided_layout
from keras_videogpt.layers.block_sparse_attention import block_sparse_attention

GRID, BLOCK = (3, 4, 4), 4  # blocks of one row: a grid of 3 x 4 blocks
X = np.random.default_rng(0).normal(size=(2, 48, 8)).astype("float32")

# Rank of the grid of blocks 2, 3 and 1; blocks of several rows; local blocks that reach every row.
LAYOUTS = [
    strided_layout((3, 4, 4), 4, 2),
    strided_layout((2, 3, 2, 4), 4, 1),
    strided_layout((24,), 4, 2),
    strided_layout((4, 4, 2), 4, 1),
    strided_layout((3, 2, 4), 4, 4),
]


def dense(query, key, value, layout):
    """The reference: masked softmax attention over all positions, in plain ops."""
    size = query.shape[1] // len(layout)
    mask = np.kron(layout, np.ones((size, size), bool)) & np.tri(query.shape[1], dtype=bool)
    scores = ops.einsum("binc,bjnc->bnij", query, key) * query.shape[-1] ** -0.5
    scores = ops.where(ops.convert_to_tensor(mask), scores, -1e9)
    return ops.einsum("bnij,bjnc->binc", ops.softmax(scores, axis=-1), value)


@pytest.fixture(scope="module")
def layer():
    layer = StridedSparseSelfAttention(2, GRID, BLOCK, num_local_blocks=2)
    layer.build(X.shape)
    randomize(layer, scale=0.5)
    return layer


def test_rows_of_codes_see_four_rows_above_and_themselves_in_earlier_frames():
    layout = strided_layout((3, 32, 32))
    for row in range(96):
        expected = {*range(max(0, row - 4), row + 1), *range(row % 32, row, 32)}
        assert set(np.flatnonzero(layout[row])) == expected


@pytest.mark.parametrize(
    "grid, kept", [((4, 32, 32), 822), ((8, 32, 32), 2166), ((4, 16, 16), 198)]
)
def test_layouts_keep_as_many_blocks_as_the_originals(grid, kept):
    assert strided_layout(grid).sum() == kept


def test_layouts_stride_over_every_leading_axis():
    layout = strided_layout((2, 3, 2, 4), 4, 1)
    block = np.ravel_multi_index((1, 2, 1), (2, 3, 2))
    seen = {np.unravel_index(column, (2, 3, 2)) for column in np.flatnonzero(layout[block])}
    assert seen == {(1, 2, 1), (1, 2, 0), (0, 2, 1), (1, 0, 1), (1, 1, 1)}


@pytest.mark.parametrize("grid, options", [((4, 6, 6), {}), ((4, 8, 8), {"block_size": 24})])
def test_grids_that_blocks_do_not_fit_are_refused(grid, options):
    with pytest.raises(ValueError, match="must divide the product of the last axes; got codes of"):
        strided_layout(grid, **options)
    with pytest.raises(ValueError, match="num_local_blocks must be at least 1; got 0"):
        strided_layout((4, 32, 32), num_local_blocks=0)


def random_inputs(layout, size=4):
    shape = (3, 2, len(layout) * size, 2, 5)
    return np.random.default_rng(len(layout)).normal(size=shape).astype("float32") * 2


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.sum()}_blocks")
def test_it_equals_dense_attention_under_the_layout_s_mask(layout):
    inputs = [ops.convert_to_tensor(x) for x in random_inputs(layout)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(block_sparse_attention(*inputs, layout)),
        ops.convert_to_numpy(dense(*inputs, layout)),
        atol=1e-5,
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.sum()}_blocks")
def test_its_gradient_equals_that_of_dense_attention(layout):
    inputs = random_inputs(layout)
    weights = np.random.default_rng(1).normal(size=inputs[0].shape)
    weights = ops.convert_to_tensor(weights, "float32")

    def objective(attend, x):
        query, key, value = ops.unstack(x, 3)
        return ops.sum(ops.tanh(attend(query, key, value, layout)) * weights)

    sparse = gradient(lambda x: objective(block_sparse_attention, x), inputs)
    expected = gradient(lambda x: objective(dense, x), inputs)
    assert np.abs(expected).max(axis=(1, 2, 3, 4)).min() > 0.1
    np.testing.assert_allclose(sparse, expected, atol=1e-4)


def test_layouts_that_look_ahead_are_refused():
    with pytest.raises(ValueError, match="lower triangular"):
        block_sparse_attention(*[ops.ones((1, 8, 1, 2))] * 3, np.ones((2, 2), bool))


@pytest.mark.parametrize("run_length", [1, 2, 4])
def test_steps_with_a_cache_equal_the_call(layer, run_length):
    expected = ops.convert_to_numpy(layer(X))
    np.testing.assert_allclose(stepped(layer, X, run_length), expected, atol=1e-5)


def test_an_output_depends_on_the_positions_it_sees_and_on_no_others(layer):
    changed = X.copy()
    position = 21  # row 5: row 1 of frame 1
    changed[:, position] += 1
    difference = ops.convert_to_numpy(layer(changed)) - ops.convert_to_numpy(layer(X))
    moved = set(np.flatnonzero(np.abs(difference).max(axis=(0, 2)) > 1e-5))
    # Its own row from itself on, two rows after it, and its row in the frame after.
    assert moved == {*range(21, 24), *range(24, 32), *range(36, 40)}


def test_it_trains_inside_a_compiled_step():
    inputs = keras.Input(X.shape[1:])
    layer = StridedSparseSelfAttention(2, GRID, BLOCK, num_local_blocks=2)
    model = keras.Model(inputs, layer(inputs))
    randomize(layer, scale=0.5)
    before = layer.get_weights()
    expected = gradient_of_kernel(layer, before)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    model.fit(X, np.zeros_like(X), batch_size=2, epochs=1, verbose=0)
    np.testing.assert_allclose(before[0] - layer.get_weights()[0], expected, atol=1e-5)


def gradient_of_kernel(layer, weights):
    """Gradient of the mean square of the output at the first kernel, through dense attention."""

    kernel_out, bias_out = map(ops.convert_to_tensor, weights[1:])

    def objective(kernel):
        projected = ops.reshape(ops.matmul(ops.convert_to_tensor(X), kernel), (2, 48, 3, 2, 4))
        attended = dense(*ops.unstack(projected, 3, axis=2), layer.layout)
        output = ops.matmul(ops.reshape(attended, X.shape), kernel_out) + bias_out
        return ops.mean(ops.square(output))

    return gradient(objective, weights[0])


def test_copies_give_the_same_numbers(layer, tmp_path):
    check_copies(layer, X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    layer = StridedSparseSelfAttention(2, GRID, BLOCK, dtype="mixed_bfloat16")
    check_mixed_bfloat16(layer, X)
