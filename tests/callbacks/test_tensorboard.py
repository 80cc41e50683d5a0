"""The TensorBoard callback, with any `fit`: values, steps, and no waiting for the device."""

import keras
import numpy as np
import pytest
from checks import random_codes, small_gpt, small_vqvae

from keras_videogpt.callbacks import CallbackList, TensorBoard
from keras_videogpt.callbacks.optimizer_values import optimizer_values


@pytest.fixture(scope="module")
def tokenizer():
    return small_vqvae()


class Written(TensorBoard):
    """Keeps what it would write."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.values = {}

    def write_scalar(self, tag, value, run="train"):
        self.values.setdefault(tag, []).append((self.step, value))


class Losses(keras.callbacks.Callback):
    """Keeps Keras's running mean of the loss of every batch."""

    def on_train_begin(self, logs=None):
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def test_a_value_is_the_mean_over_the_batches_since_the_last(tokenizer, tmp_path):
    model, losses = small_gpt(tokenizer), Losses()
    tensorboard = Written(tmp_path, first_step=3, every=2)
    codes = random_codes(model, 6)
    model.fit(codes, batch_size=1, shuffle=False, callbacks=[losses, tensorboard], verbose=0)
    sums = np.array(losses.means) * np.arange(1, 7)
    batches = np.diff(sums, prepend=0)  # the loss of each batch: steps 4 to 9
    expected = [batches[0], batches[1:3].mean(), batches[3:5].mean()]
    steps, values = zip(*tensorboard.values["losses/loss"], strict=True)
    assert steps == (4, 6, 8)
    np.testing.assert_allclose(values, expected, rtol=1e-4)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has it not on PyTorch")
def test_steps_are_counted_right_with_several_per_execution(tokenizer, tmp_path):
    model, tensorboard = small_gpt(tokenizer), Written(tmp_path, every=2)
    model.compile(optimizer="adam", steps_per_execution=2)
    codes = random_codes(model, 8)
    model.fit(codes, batch_size=2, epochs=2, callbacks=[tensorboard], verbose=0)
    assert [step for step, _ in tensorboard.values["losses/loss"]] == [2, 4, 6, 8]


def test_the_device_is_waited_for_only_at_steps_that_are_logged(tokenizer, tmp_path, monkeypatch):
    model = small_gpt(tokenizer)
    to_numpy = keras.src.backend.convert_to_numpy

    def steps_read(make_list):
        """The steps at which a scalar came from the device; the end of the epoch is at 12."""
        tensorboard, steps = Written(tmp_path, every=5), set()

        def noted(tensor, *arguments):
            if keras.ops.is_tensor(tensor) and tuple(tensor.shape) == ():
                steps.add(tensorboard.step)
            return to_numpy(tensor, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr("keras.src.backend.convert_to_numpy", noted)
            callbacks = make_list([tensorboard])
            model.fit(random_codes(model, 12), batch_size=1, callbacks=callbacks, verbose=0)
        return steps

    def lazy(callbacks):
        return CallbackList(callbacks, add_history=True, model=model, epochs=1, steps=12)

    assert steps_read(lazy) - {0} == {5, 10, 12}
    assert steps_read(list) >= set(range(12))  # as Keras has it


def test_the_optimizer_s_values_are_read_through_others_that_wrap_it():
    noting = keras.optimizers.SGD(0.25)
    noting.inner_optimizer = keras.optimizers.SGD(0.25)
    assert optimizer_values(noting) == {"learning_rate": 0.25}
    noting.gradient_norm = keras.Variable(3.0)
    assert optimizer_values(noting) == {"learning_rate": 0.25, "gradient_norm": 3.0}
    scaling = keras.optimizers.LossScaleOptimizer(noting, initial_scale=1024.0)
    scaling.build([keras.Variable(np.zeros(2, "float32"))])
    values = optimizer_values(scaling)
    assert values == {"learning_rate": 0.25, "gradient_norm": 3.0, "loss_scale": 1024.0}
