import keras
import numpy as np
import pytest
from checks import (
    check_copies,
    check_mixed_bfloat16,
    loop_index,
    randomize,
    stepped,
    weights_of,
)
from keras import ops

from keras_videogpt.layers import StartOfSequence, TransformerBlock

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 8)).astype("float32")
CONDITION = RNG.normal(size=(2, 4)).astype("float32")
MEMORY = RNG.normal(size=(2, 5, 7)).astype("float32")


def built(**kwargs):
    block = TransformerBlock(num_heads=2, **kwargs)
    block.build(X.shape)
    randomize(block)
    return block


def test_steps_with_a_cache_equal_the_call():
    block = built()
    actual = stepped(block.attention, X, 3, lambda *state: block.step(*state, block.context()))
    np.testing.assert_allclose(actual, ops.convert_to_numpy(block(X)), atol=1e-5)


def test_the_feed_forward_network_equals_its_formula():
    block = built(feed_forward_ratio=2.5)
    block.attention.output_projection.set_weights([np.zeros((8, 8)), np.zeros(8)])
    scale, shift = block.feed_forward_norm.get_weights()
    first, first_bias = block.expand.get_weights()
    second, second_bias = block.contract.get_weights()
    assert first.shape == (8, 20)
    centred = X - X.mean(axis=-1, keepdims=True)
    normed = centred / np.sqrt(X.var(axis=-1, keepdims=True) + 1e-5) * scale + shift
    hidden = normed @ first + first_bias
    expected = X + hidden / (1 + np.exp(-1.702 * hidden)) @ second + second_bias
    np.testing.assert_allclose(ops.convert_to_numpy(block(X)), expected, atol=1e-4)


def test_dropout_acts_in_training_only():
    block = built(dropout=0.5, seed=0)
    plain = ops.convert_to_numpy(block(X))
    np.testing.assert_array_equal(ops.convert_to_numpy(block(X, training=False)), plain)
    dropped = ops.convert_to_numpy(block(X, training=True))
    assert np.abs(dropped - plain).max() > 0.1


def test_copies_give_the_same_numbers(tmp_path):
    check_copies(built(dropout=0.3, feed_forward_ratio=2, num_layers=3, seed=1), X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    check_mixed_bfloat16(TransformerBlock(2, dropout=0.1, dtype="mixed_bfloat16"), X)


def test_start_of_sequence_shifts_by_one_behind_the_learned_vector(tmp_path):
    layer = StartOfSequence()
    shifted = ops.convert_to_numpy(layer(X))
    vector = ops.convert_to_numpy(layer.vector)
    assert np.abs(vector).max() > 0
    np.testing.assert_array_equal(shifted[:, 0], [vector] * 2)
    np.testing.assert_array_equal(shifted[:, 1:], X[:, :-1])
    check_copies(layer, X, tmp_path)


def test_start_of_sequence_trains_in_mixed_bfloat16():
    check_mixed_bfloat16(StartOfSequence(dtype="mixed_bfloat16"), X)


def conditional(**kwargs):
    block = TransformerBlock(num_heads=2, cross_value_dim=3, **kwargs)
    block.build(X.shape, (2, 4), (2, 5, 7))
    randomize(block, scale=0.5)
    return block


@pytest.mark.parametrize("options", [{}, {"epsilon_placement": "outside", "gains": "original"}])
def test_steps_with_a_condition_and_a_memory_equal_the_call(options):
    block = conditional(**options)
    expected = ops.convert_to_numpy(block(X, condition=CONDITION, memory=MEMORY))
    context = block.context(ops.convert_to_tensor(CONDITION), ops.convert_to_tensor(MEMORY))
    actual = stepped(block.attention, X, 3, lambda *state: block.step(*state, context))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_steps_with_groups_of_positions_and_a_masked_memory_equal_the_call():
    conditions = RNG.normal(size=(2, 3, 4)).astype("float32")
    mask = np.array([[True, True, False, True, False], [True, False, False, False, False]])
    block = TransformerBlock(num_heads=2)
    block.build(X.shape, conditions.shape, MEMORY.shape)
    randomize(block, scale=0.5)
    options = {"condition": conditions, "memory": MEMORY, "memory_mask": mask}
    options = {name: ops.convert_to_tensor(array) for name, array in options.items()}
    expected = ops.convert_to_numpy(block(X, **options))
    context, position = block.context(**options), iter(range(6))

    def step(*state):
        return block.step(*state, context, loop_index(next(position) // 2))

    actual = stepped(block.attention, X, 3, step)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_condition_and_memory_reach_every_position():
    block = conditional()
    plain = ops.convert_to_numpy(block(X, condition=CONDITION, memory=MEMORY))
    for change in ({"condition": CONDITION + 1}, {"memory": MEMORY + 1}):
        changed = block(X, **{"condition": CONDITION, "memory": MEMORY, **change})
        moved = np.abs(ops.convert_to_numpy(changed) - plain).max(axis=-1)
        assert (moved > 1e-4).all()


def test_sparse_blocks_take_the_sparse_attention_s_options(tmp_path):
    block = TransformerBlock(num_heads=2, sparse_grid=(3, 2), block_size=2, num_local_blocks=1)
    block.build(X.shape)
    randomize(block)
    assert block.attention.layout.shape == (3, 3) and block.attention.layout.sum() == 5
    check_copies(block, X, tmp_path)


def test_conditional_blocks_train_in_mixed_bfloat16():
    inputs = [keras.Input(shape) for shape in ((6, 8), (4,), (5, 7))]
    block = TransformerBlock(2, dropout=0.1, dtype="mixed_bfloat16")
    outputs = block(inputs[0], condition=inputs[1], memory=inputs[2])
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    before = weights_of(model)
    loss = model.train_on_batch([X, CONDITION, MEMORY], np.ones_like(X))
    assert np.isfinite(loss) and "bfloat16" in str(outputs.dtype)
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert all((a != b).any() for a, b in zip(weights_of(model), before, strict=True))
