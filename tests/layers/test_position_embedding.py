import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16
from keras import ops

from keras_videogpt.layers import PositionEmbedding

X = np.random.default_rng(0).normal(size=(2, 2, 3, 4, 11)).astype("float32")


def test_each_position_gets_a_row_of_each_axis_where_channels_do_not_divide():
    layer = PositionEmbedding(initializer_stddev=1.0)
    added = ops.convert_to_numpy(layer(X)) - X
    tables = [ops.convert_to_numpy(table) for table in layer.tables]
    assert [table.shape for table in tables] == [(2, 4), (3, 4), (4, 3)]
    for t, h, w in np.ndindex(2, 3, 4):
        expected = np.concatenate([tables[0][t], tables[1][h], tables[2][w]])
        np.testing.assert_allclose(added[:, t, h, w], [expected] * 2, atol=1e-5)


def test_initial_positions_have_the_standard_deviation_asked_for():
    layer = PositionEmbedding(initializer_stddev=0.5)
    layer.build((None, 100, 100, 20))
    spread = [ops.convert_to_numpy(table).std() for table in layer.tables]
    np.testing.assert_allclose(spread, 0.5, rtol=0.1)


def test_an_axis_without_channels_is_an_error():
    with pytest.raises(ValueError, match="each of the 3 axes; got 2 channels"):
        PositionEmbedding()(X[..., :2])


def test_copies_give_the_same_numbers(tmp_path):
    layer = PositionEmbedding(initializer_stddev=1.0)
    layer.build(X.shape)
    check_copies(layer, X, tmp_path)


def test_it_trains_in_mixed_bfloat16():
    check_mixed_bfloat16(PositionEmbedding(dtype="mixed_bfloat16"), X)
