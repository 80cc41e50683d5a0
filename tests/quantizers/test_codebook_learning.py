"""How the codebook follows its vectors: initialisation, moving averages, restarts, resuming."""

import keras
import numpy as np
import pytest
from checks import assert_same_weights, weights_of
from keras import ops

from keras_videogpt import EMAVectorQuantizer


def vectors(count, dim=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype("float32")


def made(num_codes=8, **options):
    quantizer = EMAVectorQuantizer(num_codes, 4, **{"seed": 0, **options})
    quantizer.build((None, 4))
    return quantizer


def started(num_codes=8, counts=1.0, **options):
    """A quantizer past its first batch, with a random codebook."""
    quantizer = made(num_codes, **options)
    book = vectors(num_codes, seed=5)[None]
    quantizer.codebook.assign(book)
    quantizer.sums.assign(book * counts)
    quantizer.counts.assign(np.full((1, num_codes), counts, "float32"))
    quantizer.initialized.assign(1.0)
    return quantizer


def state(quantizer):
    names = ("codebook", "counts", "sums")
    return [ops.convert_to_numpy(getattr(quantizer, name))[0] for name in names]


def found_in(rows, pool, tolerance=1e-6):
    """For each row the index of the vector of `pool` that it is."""
    distances = np.abs(rows[:, None] - pool[None]).max(axis=-1)
    assert (distances.min(axis=1) <= tolerance).all()
    return distances.argmin(axis=1)


def test_moving_averages_equal_the_closed_form_over_three_steps():
    decay, epsilon = 0.9, 1e-3
    quantizer = started(decay=decay, restart_threshold=0, epsilon=epsilon)
    book, counts, sums = (array.astype("float64") for array in state(quantizer))
    for step in range(3):
        batch = vectors(30, seed=step)
        quantizer(batch, training=True)
        codes = np.square(batch[:, None] - book[None]).sum(axis=-1).argmin(axis=1)
        hits = np.eye(8)[codes]
        counts = decay * counts + (1 - decay) * hits.sum(axis=0)
        sums = decay * sums + (1 - decay) * hits.T @ batch
        smoothed = (counts + epsilon) / (counts.sum() + 8 * epsilon) * counts.sum()
        book = sums / smoothed[:, None]
        for actual, expected in zip(state(quantizer), (book, counts, sums), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_first_batch_initialises_with_its_own_distinct_vectors():
    # As many vectors as codes: each becomes a code, and is its own nearest.
    quantizer = made(restart_threshold=0)
    batch = vectors(8)
    quantized, codes, commitment = quantizer(batch, training=True)
    assert sorted(ops.convert_to_numpy(codes)) == list(range(8))
    np.testing.assert_allclose(ops.convert_to_numpy(quantized), batch, atol=1e-6)
    assert np.abs(ops.convert_to_numpy(commitment)).max() < 1e-10
    book, counts, sums = state(quantizer)
    assert sorted(found_in(book, batch, 1e-5)) == list(range(8))
    np.testing.assert_allclose(counts, 1, rtol=1e-6)
    assert float(quantizer.initialized) == 1


def test_of_many_vectors_the_codes_are_a_random_distinct_choice():
    chosen = []
    batch = vectors(50)
    for seed in (0, 1):
        quantizer = made(restart_threshold=1e9, seed=seed)  # every code is a vector of the batch
        quantizer(batch, training=True)
        chosen.append(found_in(state(quantizer)[0], batch))
        assert len(set(chosen[-1])) == 8
    assert set(chosen[0]) != set(chosen[1])


def test_fewer_vectors_than_codes_are_repeated_with_a_little_noise():
    quantizer = made(restart_threshold=0)
    batch = vectors(3)
    quantizer(batch, training=True)
    book = state(quantizer)[0]
    assert set(found_in(book, batch, tolerance=0.1)) == {0, 1, 2}
    assert len(np.unique(book, axis=0)) == 8


def test_a_second_batch_does_not_initialise_again():
    quantizer = made(restart_threshold=0)
    quantizer(vectors(20), training=True)
    codes_before = state(quantizer)[0]
    quantized, _, commitment = quantizer(vectors(20, seed=1) + 100, training=True)
    found_in(ops.convert_to_numpy(quantized), codes_before, tolerance=1e-4)
    assert ops.convert_to_numpy(commitment).min() > 9000


def test_dead_codes_restart_at_vectors_of_the_batch_and_live_ones_do_not():
    quantizer = started(decay=0.9)
    book, _, _ = state(quantizer)
    counts = np.array([50, 0.1, 50, 0.2, 50, 0.5, 50, 50], "float32")
    quantizer.counts.assign(counts[None])
    quantizer.sums.assign((book * counts[:, None])[None])
    live = counts > 1
    batch = book[live][np.arange(20) % 5] + vectors(20) * 0.01  # near the live ones
    quantizer(batch, training=True)
    new_book, new_counts, new_sums = state(quantizer)
    restarted = found_in(new_book[~live], batch)
    assert len(set(restarted)) == 3
    np.testing.assert_array_equal(new_counts[~live], 1)
    np.testing.assert_array_equal(new_sums[~live], new_book[~live])
    np.testing.assert_allclose(new_counts[live], 45 + 0.4, rtol=1e-5)
    np.testing.assert_allclose(new_book[live], book[live], atol=0.01)


def test_a_code_unused_by_the_first_batch_restarts_at_another_vector_than_its_own():
    batch = vectors(4).repeat(2, axis=0)  # of two equal codes the second is never nearest
    initial, restarted = made(restart_threshold=0), made()
    for quantizer in (initial, restarted):
        quantizer(batch, training=True)
    start, (book, counts, _) = state(initial)[0], state(restarted)
    unused = state(initial)[1] < 1
    assert unused.sum() == 4 and (counts[unused] == 1).all()
    np.testing.assert_allclose(book[unused], np.roll(start, 1, axis=0)[unused], rtol=1e-5)
    np.testing.assert_allclose(book[~unused], start[~unused], rtol=1e-5)


def test_a_threshold_of_0_turns_restarts_off():
    quantizer = started(counts=0.01, restart_threshold=0)
    book = state(quantizer)[0]
    quantizer(book[:1].repeat(20, axis=0), training=True)
    np.testing.assert_allclose(state(quantizer)[0], book, rtol=1e-3)


@pytest.mark.parametrize("books", [1, 2])
def test_a_saved_quantizer_goes_on_as_one_never_stopped(books, tmp_path):
    inputs = keras.Input((4 * books,))
    # The high threshold has codes restart in every step, which takes random numbers.
    quantizer = EMAVectorQuantizer(8, 4, books, decay=0.5, restart_threshold=2.0, seed=3)
    model = keras.Model(inputs, quantizer(inputs))
    for step in range(2):
        model(vectors(12, 4 * books, seed=step), training=True)
    model.save(tmp_path / "stopped.keras")
    loaded = keras.saving.load_model(tmp_path / "stopped.keras")
    start = weights_of(model)
    assert_same_weights(weights_of(loaded), start)
    for step in range(2, 5):
        batch = vectors(12, 4 * books, seed=step)
        for one, other in zip(
            model(batch, training=True), loaded(batch, training=True), strict=True
        ):
            np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
    assert_same_weights(weights_of(loaded), weights_of(model))
    moved = [np.abs(a - b).max() for a, b in zip(start, weights_of(model), strict=True)]
    assert moved[0] > 0.1
