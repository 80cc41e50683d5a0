import keras
import numpy as np
import pytest
from checks import assert_same_weights, randomize, small_gpt, small_vqvae, weights_of
from keras import ops

from keras_videogpt.layers import TransformerBlock
from keras_videogpt.layers.rematerialization import DrawnSeed

RNG = np.random.default_rng(0)
INPUTS = {
    "x": RNG.normal(size=(2, 6, 5)).astype("float32"),
    "condition": RNG.normal(size=(2, 3)).astype("float32"),
    "memory": RNG.normal(size=(2, 4, 5)).astype("float32"),
    "mask": np.array([[True, True, False, True], [True, False, False, False]]),
}


def stack(remat: bool, dtype="float32") -> tuple[keras.Model, list]:
    """Two blocks with dropout; what enters them has weights, so that their gradients are seen."""
    keras.utils.set_random_seed(0)
    inputs = {
        name: keras.Input(array.shape[1:], dtype=str(array.dtype), name=name)
        for name, array in INPUTS.items()
    }
    given = {
        name: keras.layers.Dense(8)(tensor) for name, tensor in inputs.items() if name != "mask"
    }
    x, mask = given.pop("x"), inputs["mask"]
    blocks = [
        TransformerBlock(2, dropout=0.2, seed=i, remat=remat, dtype=dtype, name=f"block_{i}")
        for i in range(2)
    ]
    for block in blocks:
        x = block(x, **given, memory_mask=mask)
    model = keras.Model(inputs, keras.layers.Activation("linear", dtype="float32")(x))
    randomize(model)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    return model, blocks


def gradients(model):
    """By what a step of SGD with learning rate 1 changes every weight."""
    before = weights_of(model)
    model.fit(INPUTS, np.ones((2, 6, 8)), shuffle=False, verbose=0)
    return [old - new for old, new in zip(before, weights_of(model), strict=True)]


def test_gradients_of_blocks_with_dropout_are_those_of_kept_activations():
    (kept, blocks), (again, again_blocks) = stack(False), stack(True)
    expected = gradients(kept)
    assert all(np.abs(gradient).max() > 1e-4 for gradient in expected)
    assert_same_weights(gradients(again), expected, tolerance=1e-5)
    seeds = [
        [ops.convert_to_numpy(block.drop.seed_generator.state) for block in those]
        for those in (blocks, again_blocks)
    ]
    np.testing.assert_array_equal(*seeds)
    assert [seed[1] for seed in seeds[0]] == [3, 3]


def test_blocks_recompute_in_mixed_bfloat16():
    expected = gradients(stack(False, "mixed_bfloat16")[0])
    model, blocks = stack(True, "mixed_bfloat16")
    assert "bfloat16" in str(blocks[0].output.dtype)
    assert_same_weights(gradients(model), expected, tolerance=0.05)


def steps(model, batch):
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    losses = [model.train_on_batch(batch, return_dict=True)["loss"] for _ in range(2)]
    return [*weights_of(model), np.array(losses)]


def test_a_tokenizer_trains_to_the_same_weights_and_statistics(videos):
    options = {"data_variance": 0.06, "hidden_units": 8}
    kept, again = (small_vqvae(**options, remat=remat) for remat in (False, True))
    assert_same_weights(steps(again, videos[:2]), steps(kept, videos[:2]), tolerance=1e-5)
    assert again.get_config()["remat"] is True


def test_a_prior_trains_to_the_same_weights():
    codes = np.random.default_rng(0).integers(0, 32, (2, 2, 4, 4), "int32")
    kept, again = (
        small_gpt(small_vqvae(), num_layers=1, dropout=0.2, num_classes=3, remat=remat)
        for remat in (False, True)
    )
    batch = {"codes": codes, "label": np.array([0, 2])}
    assert_same_weights(steps(again, batch), steps(kept, batch), tolerance=1e-5)
    assert again.get_config()["remat"] is True


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only XLA tells what a step will take")
def test_a_step_over_4096_codes_takes_half_of_the_memory():
    import jax

    def temporary_bytes(remat):
        blocks = [TransformerBlock(2, remat=remat) for _ in range(4)]
        for block in blocks:
            block.build((1, 4096, 64))

        def loss(weights, x):
            for block, values in zip(blocks, weights, strict=True):
                x, _ = block.stateless_call(*values, x, training=True)
            return (x**2).sum()

        weights = [
            ([w.value for w in b.trainable_variables], [w.value for w in b.non_trainable_variables])
            for b in blocks
        ]
        x = jax.ShapeDtypeStruct((1, 4096, 64), "float32")
        compiled = jax.jit(jax.grad(loss)).lower(weights, x).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(True) * 2 <= temporary_bytes(False)


def test_a_drawn_seed_stays_and_moves_its_generator_once():
    generator = keras.random.SeedGenerator(7)
    first, second = DrawnSeed(generator), DrawnSeed(generator)
    np.testing.assert_array_equal(ops.convert_to_numpy(first.next()), [7, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(first.next()), [7, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(second.next()), [7, 1])
