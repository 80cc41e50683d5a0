"""The optimizer of a run: warm-up, clipping, accumulation and averages, each against NumPy."""

import math

import keras
import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from keras import ops

from keras_videogpt.training import training_optimizer
from keras_videogpt.training.optimizer import make_optimizer
from keras_videogpt.training.training_optimizer import TrainingOptimizer
from keras_videogpt.training.weight_averages import averaged, averages

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")


def linear_model(optimizer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.layers[0].set_weights([np.array([[0.5], [-1.0], [2.0]]), np.array([0.25])])
    model.compile(optimizer=optimizer, loss="mse")
    return model


def gradient(weights, x=X, y=Y):
    kernel, bias = (w.astype("float64") for w in weights)
    error = 2 * (x @ kernel + bias - y) / len(x)
    return [x.T @ error, error.sum(0)]


def fitted(optimizer, batch_size, epochs=1):
    """A linear model after some steps, and the weights after each step."""
    model, after = linear_model(optimizer), []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: after.append(weights_of(note.model))
    )
    model.fit(X, Y, batch_size, epochs, shuffle=False, verbose=0, callbacks=[note])
    return model, after


@pytest.mark.parametrize(
    "schedule, warm_up, expected",
    [
        ("constant", 0, [2, 2, 2, 2, 2]),
        ("constant", 4, [0, 1, 2, 2, 2]),
        ("cosine", 0, [2, 1 + math.cos(math.pi / 5), 1 + math.cos(2 * math.pi / 5), None, 0]),
        ("cosine", 4, [0, 1, 2, 1 + math.cos(math.pi / 3), 0]),
    ],
)
def test_the_learning_rate_rises_and_falls(schedule, warm_up, expected):
    optimizer = make_optimizer(2.0, schedule, steps=10, warm_up=warm_up)
    inner = optimizer.inner_optimizer
    for step, rate in zip([0, 2, 4, 6, 10], expected, strict=True):
        inner._iterations.assign(step)
        if rate is not None:
            assert float(ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(
                rate, abs=1e-6
            )


def test_weights_are_those_of_plain_adam_and_the_norm_is_the_gradients():
    wrapped, _ = fitted(make_optimizer(0.1, "constant", 6), batch_size=12, epochs=2)
    plain, after = fitted(keras.optimizers.Adam(0.1), batch_size=12, epochs=2)
    assert_same_weights(weights_of(wrapped), weights_of(plain))
    norm = math.sqrt(sum((g**2).sum() for g in gradient(after[0])))
    assert float(wrapped.optimizer.gradient_norm) == pytest.approx(norm, rel=1e-5)
    assert int(wrapped.optimizer.iterations) == 2


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_the_gradient_is_clipped_by_its_norm_over_all_weights(limit):
    start = weights_of(linear_model("sgd"))
    optimizer = TrainingOptimizer(keras.optimizers.SGD(0.1, global_clipnorm=limit))
    model, _ = fitted(optimizer, batch_size=12)
    norm = math.sqrt(sum((g**2).sum() for g in gradient(start)))
    scale = 0.1 * min(1, limit / norm)
    expected = [w - scale * g for w, g in zip(start, gradient(start), strict=True)]
    assert_same_weights(weights_of(model), expected, 1e-6)
    assert float(optimizer.gradient_norm) == pytest.approx(norm, rel=1e-5)


def test_replicas_clip_the_gradient_of_the_global_batch(monkeypatch):
    # Both have the same: TensorFlow adds their shares, PyTorch takes the mean.
    monkeypatch.setattr(training_optimizer, "num_replicas", lambda: 2)
    monkeypatch.setattr(training_optimizer, "global_sum", lambda x: 2 * x)
    monkeypatch.setattr(training_optimizer, "mean_gradients", lambda x: x)
    share = 0.5 if keras.backend.backend() == "tensorflow" else 1.0
    variable = keras.Variable(np.zeros(2, "float32"))
    optimizer = TrainingOptimizer(keras.optimizers.SGD(1.0, global_clipnorm=5.0))
    optimizer.build([variable])
    part = share * np.array([6.0, 8.0], "float32")
    optimizer.apply([ops.convert_to_tensor(part)], [variable])
    assert float(optimizer.gradient_norm) == pytest.approx(10)
    # TensorFlow's own sum over two replicas doubles this.
    np.testing.assert_allclose(variable.numpy(), [-3 * share, -4 * share], rtol=1e-6)


def test_accumulated_batches_make_one_update_and_the_average_follows_at_each():
    optimizer = make_optimizer(0.1, "constant", 6, clip_norm=1.0, accumulate=3, ema=0.729)
    model, after = fitted(optimizer, batch_size=4, epochs=2)
    _, whole = fitted(make_optimizer(0.1, "constant", 2, clip_norm=1.0), batch_size=12, epochs=2)
    start = weights_of(linear_model("sgd"))
    for step, expected in enumerate([start, start, whole[0], whole[0], whole[0], whole[1]]):
        assert_same_weights(after[step], expected, 1e-6)
    expected = [0.9 * one + 0.1 * two for one, two in zip(*whole, strict=True)]  # 0.9 ** 3 is 0.729
    with averaged(model):
        assert_same_weights(weights_of(model), expected, 1e-6)


def test_averages_take_the_weights_place_and_give_it_back():
    model, after = fitted(make_optimizer(0.1, "constant", 6, ema=0.5), batch_size=4)
    assert_same_weights(weights_of(model), after[-1])
    expected = after[0]
    for step in after[1:]:
        expected = [0.5 * mean + 0.5 * w for mean, w in zip(expected, step, strict=True)]
    with pytest.raises(KeyError), averaged(model):
        assert_same_weights(weights_of(model), expected, 1e-6)
        raise KeyError
    assert_same_weights(weights_of(model), after[-1])
    model.compile(optimizer=make_optimizer(0.1, "constant", 6))
    assert averages(model) is None
    with averaged(model):
        assert_same_weights(weights_of(model), after[-1])


@pytest.mark.parametrize("scaled", [False, True])
def test_all_of_its_state_is_saved_and_loaded(tmp_path, scaled):
    optimizer = make_optimizer(0.1, "cosine", 6, warm_up=2, clip_norm=1.0, accumulate=2, ema=0.9)
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 8.0) if scaled else optimizer
    model, _ = fitted(optimizer, batch_size=4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    states = [[v.numpy() for v in m.optimizer.variables] for m in (loaded, model)]
    assert_same_weights(*states)
    for one in (model, loaded):
        one.fit(X, Y, 4, shuffle=False, verbose=0)
    assert_same_weights(weights_of(loaded), weights_of(model))
