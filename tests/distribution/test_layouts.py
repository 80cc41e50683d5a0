import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae

from keras_videogpt.distribution.layouts import prior_layout


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="layouts are JAX's")
def test_every_matrix_of_the_blocks_is_divided_and_nothing_of_the_tokenizer():
    layout = prior_layout(keras.distribution.list_devices()[:1])
    prior = small_gpt(small_vqvae(), embedding_shape=(5, 6), num_classes=3)
    divided = {v.path: v.shape for v in prior.weights if layout[v.path] is not None}
    kernels = {v.path for v in prior.trainable_weights if len(v.shape) == 2 and "block" in v.path}
    kernels = {path for path in kernels if "norm" not in path}
    biases = {f"block_{i}/expand/bias" for i in range(2)}
    assert set(divided) == kernels | biases | {"unembed/kernel"}
    assert len(kernels) == 2 * (4 + 4) and np.all([len(s) in (1, 2) for s in divided.values()])
