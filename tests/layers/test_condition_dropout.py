import numpy as np
import pytest
from keras import ops

from keras_videogpt.layers import ConditionDropout, NullVector

GIVEN = np.random.default_rng(0).random((1000, 3)) < 0.9


def test_conditions_are_dropped_in_training_only_and_none_is_added():
    layer = ConditionDropout(0.25, seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(GIVEN)), GIVEN)
    kept = ops.convert_to_numpy(layer(GIVEN, training=True))
    assert kept.dtype == bool and not (kept & ~GIVEN).any()
    assert kept.sum() / GIVEN.sum() == pytest.approx(0.75, abs=0.03)
    assert (ops.convert_to_numpy(layer(GIVEN, training=True)) != kept).any()


def test_copies_drop_the_same():
    layer = ConditionDropout(0.25, seed=3)
    copy = ConditionDropout.from_config(layer.get_config())
    masks = [ops.convert_to_numpy(one(GIVEN, training=True)) for one in (layer, copy)]
    np.testing.assert_array_equal(*masks)


def test_a_null_vector_comes_before_a_memory():
    layer = NullVector()
    memory = np.random.default_rng(1).normal(size=(2, 5, 4)).astype("float32")
    longer = ops.convert_to_numpy(layer(memory))
    np.testing.assert_array_equal(longer[:, 1:], memory)
    np.testing.assert_array_equal(longer[:, 0], [ops.convert_to_numpy(layer.vector)] * 2)
    assert np.abs(longer[:, 0]).max() > 0
    assert layer.compute_output_shape((None, 5, 4)) == (None, 6, 4)
