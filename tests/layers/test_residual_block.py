import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, randomize
from keras import ops

from keras_videogpt.layers import PositionEmbedding, ResidualBlock

X = np.random.default_rng(0).normal(size=(2, 4, 5, 5, 8)).astype("float32")


def built(**kwargs):
    block = ResidualBlock(6, **kwargs)
    block.build(X.shape)
    randomize(block)
    return block


def reached(block):
    """Where the output changes with the input at (2, 2, 2)."""
    changed = X.copy()
    changed[:, 2, 2, 2] += np.linspace(-1, 1, 8, dtype="float32")
    difference = ops.convert_to_numpy(block(changed)) - ops.convert_to_numpy(block(X))
    return np.abs(difference).max(axis=(0, -1)) > 1e-5


def test_without_attention_a_change_reaches_the_neighbours_only():
    block = built(axial_attention=False, norm="layer")
    assert not hasattr(block, "attention") and len(block.norms) == 2
    t, h, w = np.mgrid[:4, :5, :5]
    near = np.maximum(np.maximum(abs(t - 2), abs(h - 2)), abs(w - 2)) <= 1
    assert (reached(block) == near).all()


def test_with_attention_a_change_reaches_further():
    assert reached(built(norm="layer"))[0, 2, 2]


def test_without_attention_it_is_norm_relu_convolution_twice():
    block = built(axial_attention=False)
    (first,), (second,) = (c.get_weights() for c in block.convolutions)
    h = X.astype("float64")
    for norm, kernel in zip(block.norms, (first, second), strict=True):
        scale, shift, mean, variance = norm.get_weights()
        h = np.maximum((h - mean) / np.sqrt(variance + 1e-5) * scale + shift, 0)
        side = kernel.shape[0] // 2
        padded = np.pad(h, [(0, 0), *[(side, side)] * 3, (0, 0)])
        h = sum(
            padded[:, t : t + 4, y : y + 5, x : x + 5] @ kernel[t, y, x]
            for t, y, x in np.ndindex(kernel.shape[:3])
        )
    np.testing.assert_allclose(ops.convert_to_numpy(block(X)), X + h, atol=1e-4)


def test_shared_positions_come_before_the_attention():
    positions = PositionEmbedding()
    with_positions = built(positions=positions, norm="layer")
    before = ops.convert_to_numpy(with_positions(X))
    for table in positions.tables:
        table.assign(np.zeros(table.shape, "float32"))
    without = ops.convert_to_numpy(with_positions(X))
    assert np.abs(before - without).max() > 1e-3
    plain = built(norm="layer")
    own = [w for w in with_positions.trainable_weights if all(w is not t for t in positions.tables)]
    for target, source in zip(plain.trainable_weights, own, strict=True):
        target.assign(source)
    np.testing.assert_allclose(ops.convert_to_numpy(plain(X)), without, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "group", "layer"])
def test_copies_give_the_same_numbers(norm, tmp_path):
    check_copies(built(norm=norm, positions=PositionEmbedding()), X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    positions = PositionEmbedding(dtype="mixed_bfloat16")
    check_mixed_bfloat16(ResidualBlock(6, positions=positions, dtype="mixed_bfloat16"), X)
