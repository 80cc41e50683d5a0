"""What the quantizer computes in one call."""

import numpy as np
import pytest
from checks import assert_same_weights, gradient, weights_of
from keras import ops

from keras_videogpt import EMAVectorQuantizer
from keras_videogpt.quantizers.codebook_lookup import CodebookLookup

RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(4, 3, 5, 8)).astype("float32")


def built(books=1, codes=16, dim=8, codebook=None, **options):
    quantizer = EMAVectorQuantizer(codes, dim, books, seed=0, **options)
    quantizer.build((None, None, None, books * dim))
    if codebook is None:
        codebook = np.random.default_rng(1).normal(size=(books, codes, dim))
    quantizer.codebook.assign(np.asarray(codebook, "float32").reshape(books, codes, dim))
    return quantizer


def call(quantizer, latents, training=False):
    return [ops.convert_to_numpy(x) for x in quantizer(latents, training=training)]


def nearest(vectors, codebook):
    distances = np.square(vectors[..., None, :].astype("float64") - codebook).sum(axis=-1)
    return distances.argmin(axis=-1)


def test_codes_are_the_nearest_by_brute_force():
    quantizer = built()
    book = ops.convert_to_numpy(quantizer.codebook)[0]
    quantized, codes, commitment = call(quantizer, LATENTS)
    np.testing.assert_array_equal(codes, nearest(LATENTS, book))
    assert codes.dtype == np.int32 and len(np.unique(codes)) > 8
    np.testing.assert_allclose(quantized, book[codes], atol=1e-6)
    expected = np.square(LATENTS - book[codes]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(commitment, expected, rtol=1e-5)


def test_ties_go_to_the_first_code():
    book = RNG.normal(size=(4, 8)).astype("float32")
    quantizer = built(codebook=book[[0, 1, 0, 2, 1, 3, 2, 3] * 2])
    _, codes, _ = call(quantizer, book[None])
    np.testing.assert_array_equal(codes, [[0, 1, 3, 5]])


@pytest.mark.parametrize("books, codes, count", [(1, 1, 5), (1, 1000, 3000), (3, 37, 500)])
def test_codes_are_the_argmin_of_the_distances_and_the_first_of_ties(books, codes, count):
    # Small integers: every distance is exact, and many are equal.
    rng = np.random.default_rng(2)
    book = rng.integers(-2, 3, (books, codes, 4)).astype("float32")
    vectors = rng.integers(-2, 3, (count, books, 4)).astype("float32")
    quantizer = built(books, codes, 4, codebook=book)
    found = ops.convert_to_numpy(quantizer.nearest(ops.convert_to_tensor(vectors)))
    assert found.dtype == np.int32
    distances = np.square(vectors[:, :, None] - book).sum(axis=-1)
    np.testing.assert_array_equal(found, distances.argmin(axis=-1))


def test_latents_that_are_not_numbers_have_codes_that_exist():
    _, codes, _ = call(built(), np.full((1, 3, 8), np.nan, "float32"))
    assert ((0 <= codes) & (codes < 16)).all()


@pytest.mark.parametrize("training", [False, True])
def test_the_gradient_passes_straight_through(training):
    quantizer = built()
    weights = RNG.normal(size=LATENTS.shape).astype("float32")

    def loss(x):
        return ops.sum(stateless(quantizer, x, training)[0] * ops.convert_to_tensor(weights))

    np.testing.assert_allclose(gradient(loss, LATENTS), weights, rtol=1e-6)


def test_the_commitment_pulls_latents_to_their_codes():
    quantizer = built()
    book = ops.convert_to_numpy(quantizer.codebook)[0]
    slope = gradient(lambda x: ops.sum(stateless(quantizer, x, False)[2]), LATENTS)
    expected = 2 * (LATENTS - book[nearest(LATENTS, book)]) / LATENTS[0].size
    np.testing.assert_allclose(slope, expected, atol=1e-6)


def stateless(quantizer, x, training):
    """The call without its updates' values leaking out of a traced function."""
    variables = [v.value for v in quantizer.non_trainable_variables]
    outputs, _ = quantizer.stateless_call([], variables, x, training=training)
    return outputs


@pytest.mark.parametrize("training, trainable", [(False, True), (True, False)])
def test_nothing_changes_outside_training_or_when_frozen(training, trainable):
    quantizer = built()
    quantizer.trainable = trainable
    before, seed = weights_of(quantizer), np.array(quantizer.seed_generator.state)
    call(quantizer, LATENTS, training=training)
    assert_same_weights(weights_of(quantizer), before)
    np.testing.assert_array_equal(quantizer.seed_generator.state, seed)
    assert float(quantizer.initialized) == 0


def test_several_codebooks_equal_separate_ones():
    options = {"codes": 6, "dim": 3, "restart_threshold": 0}
    both = built(books=2, **options)
    both.initialized.assign(1.0)
    books = ops.convert_to_numpy(both.codebook)
    singles = [built(codebook=book, **options) for book in books]
    latents = RNG.normal(size=(4, 5, 6)).astype("float32")
    for _ in range(2):
        quantized, codes, commitment = call(both, latents, training=True)
        assert codes.shape == (4, 5, 2)
        parts = []
        for g, single in enumerate(singles):
            single.initialized.assign(1.0)
            parts.append(call(single, latents[..., 3 * g : 3 * g + 3], training=True))
            np.testing.assert_array_equal(codes[..., g], parts[g][1])
            np.testing.assert_allclose(quantized[..., 3 * g : 3 * g + 3], parts[g][0], atol=1e-6)
            for name in ("codebook", "counts", "sums"):
                np.testing.assert_allclose(
                    ops.convert_to_numpy(getattr(both, name))[g],
                    ops.convert_to_numpy(getattr(single, name))[0],
                    atol=1e-5,
                )
        np.testing.assert_allclose(commitment, (parts[0][2] + parts[1][2]) / 2, rtol=1e-5)


@pytest.mark.parametrize("books", [1, 2])
def test_lookup_gives_the_vectors_of_codes(books):
    quantizer = built(books=books)
    latents = RNG.normal(size=(2, 3, 3, 3, 8 * books)).astype("float32")
    quantized, codes, _ = call(quantizer, latents)
    vectors = ops.convert_to_numpy(CodebookLookup(quantizer)(codes))
    np.testing.assert_allclose(vectors, quantized, atol=1e-6)
    for book in range(books):
        mine = codes if books == 1 else codes[..., book]
        one = quantizer.lookup_in_book(ops.convert_to_tensor(mine), book)
        expected = vectors[..., 8 * book : 8 * book + 8]
        np.testing.assert_array_equal(ops.convert_to_numpy(one), expected)


def test_in_mixed_bfloat16_the_codebook_and_the_search_stay_float32():
    quantizer = built(dtype="mixed_bfloat16")
    assert {w.dtype for w in quantizer.weights} == {"float32"}
    latents = ops.cast(LATENTS, "bfloat16")
    quantized, codes, commitment = quantizer(latents, training=True)
    assert "bfloat16" in str(quantized.dtype) and "float32" in str(commitment.dtype)
    quantizer = built(dtype="mixed_bfloat16")
    book = ops.convert_to_numpy(quantizer.codebook)[0]
    expected = nearest(ops.convert_to_numpy(ops.cast(latents, "float32")), book)
    np.testing.assert_array_equal(ops.convert_to_numpy(quantizer(latents)[1]), expected)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_out_of_range_is_an_error(decay):
    with pytest.raises(ValueError, match=rf"decay must be in \[0, 1\); got {decay}"):
        EMAVectorQuantizer(8, 4, decay=decay)


def test_channels_that_do_not_fit_the_codebooks_are_an_error():
    with pytest.raises(ValueError, match="num_codebooks \\* code_dim = 8 channels; got 6"):
        EMAVectorQuantizer(8, 4, num_codebooks=2)(np.zeros((2, 6), "float32"))
