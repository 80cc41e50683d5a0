import numpy as np
from checks import check_copies, check_mixed_bfloat16, randomize
from keras import ops

from keras_videogpt.layers import StartOfSequence, TransformerBlock

X = np.random.default_rng(0).normal(size=(2, 6, 8)).astype("float32")


def built(**kwargs):
    block = TransformerBlock(num_heads=2, **kwargs)
    block.build(X.shape)
    randomize(block)
    return block


def test_steps_with_a_cache_equal_the_call():
    block = built()
    expected = ops.convert_to_numpy(block(X))
    cache = block.attention.empty_cache(2, 6)
    for index in range(6):
        output, cache = block.step(ops.convert_to_tensor(X[:, index]), cache, index)
        np.testing.assert_allclose(ops.convert_to_numpy(output), expected[:, index], atol=1e-5)


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
