"""Training in float16: the loss is scaled, and a loaded model goes on as the saved one was."""

import keras
import numpy as np
import pytest
from checks import assert_same_weights, small_vqvae, weights_of

import keras_videogpt as kvg


@pytest.fixture(scope="module")
def model():
    """As after some steps; JAX on a CPU has no float16 products to take them with."""
    model = small_vqvae(dtype="mixed_float16", data_variance=0.06)
    model.optimizer.build(model.trainable_variables)
    for number, variable in enumerate(model.optimizer.variables, start=1):
        variable.assign(np.full(variable.shape, number))
    return model


def test_the_loss_of_float16_layers_is_scaled_also_after_loading(model, tmp_path, recwarn):
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    model.save(tmp_path / "model.keras")
    loaded = kvg.load(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.LossScaleOptimizer)
    assert not isinstance(loaded.optimizer.inner_optimizer, keras.optimizers.LossScaleOptimizer)
    state = [[v.numpy() for v in m.optimizer.variables] for m in (loaded, model)]
    assert_same_weights(*state)
    assert not [str(w.message) for w in recwarn if "Skipping variable" in str(w.message)]


def test_files_that_name_the_inner_optimizer_still_load(model, tmp_path, monkeypatch, recwarn):
    # As Keras itself, which wrapped it, saved them.
    inner = model.optimizer.inner_optimizer
    monkeypatch.setitem(model._compile_config.config, "optimizer", inner)
    model.save(tmp_path / "model.keras")
    loaded = kvg.load(tmp_path / "model.keras")
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    assert float(loaded.optimizer.dynamic_scale) == float(model.optimizer.dynamic_scale)
    assert_same_weights(weights_of(loaded), weights_of(model))
    assert not [str(w.message) for w in recwarn if "Skipping variable" in str(w.message)]


def test_how_steps_are_compiled_is_not_taken_from_a_file(tmp_path):
    model = small_vqvae(data_variance=0.06)
    expected = model.jit_compile
    model.compile(keras.optimizers.Adam(), jit_compile=not expected, steps_per_execution=4)
    model.save(tmp_path / "model.keras")
    loaded = kvg.load(tmp_path / "model.keras")
    assert loaded.jit_compile == expected and loaded.steps_per_execution == 1
