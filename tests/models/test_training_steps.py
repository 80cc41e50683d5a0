"""A step of either model: the dtypes it computes in, and how often it is traced."""

import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae

SMALL = {"data_variance": 0.06, "hidden_units": 8}
CODES = np.random.default_rng(0).integers(0, 32, (6, 2, 4, 4), "int32")


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("stage", ["vqvae", "prior"])
def test_steps_in_mixed_precision_have_finite_losses(stage, half, videos):
    if half == "float16" and keras.backend.backend() == "jax":
        pytest.skip("JAX's attention takes no float16 on CPUs: dot_general has no F16_F16_F32")
    keras.config.set_dtype_policy(f"mixed_{half}")
    model = small_vqvae(**SMALL)
    layer, data = model.encoder.get_layer("residual_0"), videos[:4]
    if stage == "prior":
        model = small_gpt(model, num_layers=1, dropout=0.1)
        layer, data = model.blocks[0], CODES[:4]
    assert half in str(layer.output.dtype)
    history = model.fit(data, batch_size=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch traces nothing")
@pytest.mark.parametrize("stage", ["vqvae", "prior"])
def test_two_epochs_with_validation_trace_each_step_once(stage, videos, monkeypatch):
    model, data = small_vqvae(**SMALL), videos[:6]
    if stage == "prior":
        model, data = small_gpt(model, num_layers=1, dropout=0.1), CODES
    traces, compute_loss = [], type(model).compute_loss

    def counted(self, *args, training=True, **kwargs):
        traces.append(training)
        return compute_loss(self, *args, training=training, **kwargs)

    monkeypatch.setattr(type(model), "compute_loss", counted)
    options = {"batch_size": 2, "verbose": 0}
    model.fit(data, validation_data=(data[:4], None), **options)
    once = list(traces)
    assert set(once) == {True, False}
    model.fit(data, validation_data=(data[:4], None), epochs=2, **options)
    assert traces == once
