import keras
import numpy as np
import pytest
from checks import check_copies, check_mixed_bfloat16, gradient, randomize, weights_of
from keras import ops

from keras_videogpt.layers.layer_normalization import LayerNormalization

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(4, 2, 3, 8)).astype("float32")
CONDITION = RNG.normal(size=(4, 5)).astype("float32")

placements = pytest.mark.parametrize("placement", ["inside", "outside"])
both_gains = pytest.mark.parametrize("gains", ["learned", "original"])


def built(x=X, condition=None, **options):
    layer = LayerNormalization(**options)
    layer.build(x.shape, None if condition is None else condition.shape)
    randomize(layer)
    return layer


def normalized(x, placement, epsilon):
    x = x.astype("float64")
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    if placement == "inside":
        return (x - mean) / np.sqrt(variance + epsilon)
    return (x - mean) * (epsilon + 1 / np.sqrt(variance))


# Large enough for the two placements to differ.
@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
@placements
def test_without_a_condition_the_gain_and_bias_are_weights(placement, epsilon):
    layer = built(epsilon=epsilon, epsilon_placement=placement)
    gain, bias = layer.get_weights()
    expected = normalized(X, placement, epsilon) * gain + bias
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), expected, atol=1e-5)


@placements
@both_gains
def test_with_a_condition_they_are_affine_in_it(placement, gains):
    layer = built(condition=CONDITION, epsilon=0.3, epsilon_placement=placement, gains=gains)
    weights = [weight.astype("float64") for weight in layer.get_weights()]
    gain, bias = weights[:2] if gains == "learned" else (1, 0)
    gain, bias = gain + CONDITION @ weights[-2], bias + CONDITION @ weights[-1]
    expected = normalized(X, placement, 0.3) * gain[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X, CONDITION)), expected, atol=1e-5)


def test_it_equals_the_layer_of_keras_and_loads_its_files(tmp_path):
    inputs = keras.Input(X.shape[1:])
    keras_layer = keras.layers.LayerNormalization(epsilon=1e-5)
    theirs = keras.Model(inputs, keras_layer(inputs))
    randomize(keras_layer)
    theirs.save_weights(tmp_path / "a.weights.h5")
    ours = keras.Model(inputs, LayerNormalization()(inputs))
    ours.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(X)), ops.convert_to_numpy(theirs(X)), atol=1e-6
    )


def test_weights_come_in_order_and_start_as_documented():
    def starts(condition_shape=None, **options):
        layer = LayerNormalization(**options)
        layer.build((None, 3), condition_shape)
        return [(weight.name, weight.numpy().tolist()) for weight in layer.weights]

    own = [("gain", [1.0] * 3), ("bias", [0.0] * 3)]
    zeros = [[0.0] * 3] * 4
    assert starts() == starts(gains="original") == own
    learned = [*own, ("gain_kernel", zeros), ("bias_kernel", zeros)]
    assert starts((None, 4)) == learned
    original = [("gain_kernel", [[0.5] * 3] * 4), ("bias_kernel", zeros)]
    assert starts((None, 4), gains="original") == original


def test_at_first_learned_gains_ignore_the_condition_and_original_ones_exceed_one():
    one_hot = np.eye(4, dtype="float32")
    expected = normalized(X, "inside", 1e-5)
    learned, original = LayerNormalization(), LayerNormalization(gains="original")
    np.testing.assert_allclose(ops.convert_to_numpy(learned(X, one_hot)), expected, atol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(original(X, one_hot)), 1.5 * expected, atol=1e-5
    )


@placements
@pytest.mark.parametrize("spread", [0.0, 1e-22, 1e-14, 1e-9])
def test_a_constant_vector_has_finite_values_and_gradients(placement, spread):
    layer = built(epsilon_placement=placement)
    slope = np.linspace(-1, 1, 8, dtype="float32")
    x = np.full((1, 8), 0.5 if spread == 0 else 0, "float32") + np.float32(spread) * slope
    values = ops.convert_to_numpy(layer(x))
    assert np.isfinite(values).all()
    if spread < 1e-12:
        np.testing.assert_allclose(values[0], layer.get_weights()[1], atol=1e-5)
    slopes = gradient(lambda x: ops.sum(ops.multiply(layer(x), slope)), x)
    assert np.isfinite(slopes).all() and np.abs(slopes).max() > 0


def test_a_large_mean_does_not_drown_the_differences():
    x = X + np.float32(1000)
    for placement in ("inside", "outside"):
        layer = LayerNormalization(epsilon_placement=placement)
        expected = normalized(x, placement, 1e-5)
        np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=2e-3)


@both_gains
def test_gain_and_bias_computed_once_serve_every_position(gains):
    layer = built(condition=CONDITION, gains=gains)
    gain, bias = layer.gain_and_bias(CONDITION)
    assert tuple(gain.shape) == tuple(bias.shape) == (4, 8)
    expected = ops.convert_to_numpy(layer(X, CONDITION))
    for position in np.ndindex(2, 3):
        step = layer.normalize(X[:, *position], gain, bias)
        np.testing.assert_allclose(ops.convert_to_numpy(step), expected[:, *position], atol=1e-6)


@both_gains
@placements
def test_groups_of_positions_have_conditions_of_their_own(placement, gains):
    x = RNG.normal(size=(4, 6, 8)).astype("float32")
    conditions = RNG.normal(size=(4, 3, 5)).astype("float32")
    layer = built(x, conditions, gains=gains, epsilon_placement=placement)
    actual = ops.convert_to_numpy(layer(x, conditions))
    gain, bias = layer.step_gain_and_bias(conditions)
    assert tuple(gain.shape) == tuple(bias.shape) == (3, 4, 8)
    for group in range(3):
        places = slice(2 * group, 2 * group + 2)
        alone = ops.convert_to_numpy(layer(x[:, places], conditions[:, group]))
        np.testing.assert_allclose(actual[:, places], alone, atol=1e-6)
        step = layer.normalize(x[:, 2 * group], gain[group], bias[group])
        np.testing.assert_allclose(ops.convert_to_numpy(step), alone[:, 0], atol=1e-6)


def test_groups_that_do_not_divide_the_positions_are_an_error():
    with pytest.raises(ValueError, match="must divide the 6 positions of x; got 4 groups"):
        LayerNormalization().build((None, 6, 8), (None, 4, 5))


@pytest.mark.parametrize("call", ["positional", "keyword"])
@both_gains
def test_conditional_copies_give_the_same_numbers(call, gains, tmp_path):
    layer = built(condition=CONDITION, gains=gains, epsilon_placement="outside")
    expected = ops.convert_to_numpy(layer(X, CONDITION))
    x, condition = keras.Input(X.shape[1:]), keras.Input(CONDITION.shape[1:])
    y = layer(x, condition) if call == "positional" else layer(x, condition=condition)
    assert y.shape == (None, *X.shape[1:])
    keras.Model([x, condition], y).save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded([X, CONDITION])), expected, atol=1e-6)


@placements
def test_copies_give_the_same_numbers(placement, tmp_path):
    check_copies(built(epsilon_placement=placement), X, tmp_path)


@placements
def test_it_trains_in_mixed_bfloat16(placement):
    layer = LayerNormalization(epsilon_placement=placement, dtype="mixed_bfloat16")
    check_mixed_bfloat16(layer, X)


@placements
def test_in_mixed_bfloat16_only_the_result_is_rounded(placement):
    options = {"condition": CONDITION, "epsilon_placement": placement}
    exact = ops.convert_to_numpy(built(**options)(X, CONDITION))
    layer = built(**options, dtype="mixed_bfloat16")
    rounded = layer(X, CONDITION)
    assert keras.backend.standardize_dtype(rounded.dtype) == "bfloat16"
    assert {weight.dtype for weight in weights_of(layer)} == {np.dtype("float32")}
    rounded = ops.convert_to_numpy(ops.cast(rounded, "float32"))
    np.testing.assert_allclose(rounded, exact, rtol=2**-8, atol=1e-6)


@placements
@both_gains
def test_with_a_condition_every_weight_trains_in_mixed_bfloat16(placement, gains):
    layer = LayerNormalization(epsilon_placement=placement, gains=gains, dtype="mixed_bfloat16")
    x, condition = keras.Input(X.shape[1:]), keras.Input(CONDITION.shape[1:])
    model = keras.Model([x, condition], layer(x, condition))
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    before = weights_of(model)
    assert np.isfinite(model.train_on_batch([X, CONDITION], np.ones_like(X)))
    for one, other in zip(before, weights_of(model), strict=True):
        assert np.isfinite(other).all() and (one != other).any()


def test_a_condition_is_given_if_and_only_if_the_layer_was_built_with_one():
    with pytest.raises(ValueError, match="condition must be given"):
        built(condition=CONDITION)(X)
    with pytest.raises(ValueError, match="condition must be None"):
        built()(X, CONDITION)


@pytest.mark.parametrize("name", ["epsilon_placement", "gains"])
def test_another_option_is_an_error_that_lists_the_accepted_ones(name):
    accepted = {"epsilon_placement": "inside.*outside", "gains": "learned.*original"}[name]
    with pytest.raises(ValueError, match=f"{name} must be one of .*{accepted}.*'both'"):
        LayerNormalization(**{name: "both"})
