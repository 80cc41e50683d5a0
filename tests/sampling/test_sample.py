import keras
import numpy as np
import pytest
from checks import randomize, small_gpt, small_vqvae

import keras_videogpt as kvg
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.sampling import cache, decoding_loop
from keras_videogpt.sampling.draw import uniform_numbers
from keras_videogpt.sampling.sample_codes import sample_codes


def random_gpt(**vqvae_options):
    gpt = small_gpt(small_vqvae(video_shape=(2, 16, 16, 3), **vqvae_options))
    randomize(gpt)
    # Codes that follow from the ones before, and not only from their own place.
    gpt.unembed.kernel.assign(np.random.default_rng(1).normal(size=(20, 32)).astype("float32"))
    return gpt


@pytest.fixture(scope="module")
def gpt():
    return random_gpt()


def codes_of(gpt, n=2, **options):
    _, codes = kvg.sample(gpt, n, return_codes=True, progress=False, **{"seed": 0, **options})
    return codes


def greedy(gpt, n):
    """Codes by teacher-forced logits of all codes so far, one at a time."""
    codes = np.zeros((n, gpt.length), "int32")
    for index in range(gpt.length):
        logits = gpt.logits(codes.reshape(n, *gpt.codes_shape)).reshape(n, gpt.length, -1)
        codes[:, index] = logits[:, index].argmax(axis=-1)
    return codes.reshape(n, *gpt.codes_shape)


def test_clips_are_the_decoded_codes(gpt):
    clips, codes = kvg.sample(gpt, 2, seed=0, return_codes=True, progress=False)
    assert clips.shape == (2, 2, 16, 16, 3) and clips.dtype == np.uint8
    assert codes.shape == (2, 1, 4, 4) and codes.dtype == np.int32
    assert 0 <= codes.min() and codes.max() < 32 and len(np.unique(codes)) > 4
    np.testing.assert_array_equal(clips, to_uint8(gpt.tokenizer.decode(codes)))


def test_a_seed_gives_the_same_clips_and_another_others(gpt):
    codes = codes_of(gpt, 4, seed=5)
    np.testing.assert_array_equal(codes_of(gpt, 4, seed=5), codes)
    assert (codes_of(gpt, 4, seed=6) != codes).mean() > 0.2
    assert (codes_of(gpt, 4, seed=None) != codes_of(gpt, 4, seed=None)).mean() > 0.2
    assert (codes[0] != codes[1]).any()


def test_a_clip_does_not_depend_on_how_many_there_are_or_how_they_are_batched(gpt):
    codes = codes_of(gpt, 5, batch_size=5)
    np.testing.assert_array_equal(codes_of(gpt, 5, batch_size=2), codes)
    np.testing.assert_array_equal(codes_of(gpt, 2), codes[:2])


@pytest.mark.parametrize("books", [1, 2])
def test_top_k_of_1_is_greedy_decoding(books, gpt):
    model = gpt if books == 1 else random_gpt(num_codebooks=2, code_dim=4)
    codes = codes_of(model, top_k=1)
    assert codes.shape[1:] == model.codes_shape and len(np.unique(codes)) > 1
    np.testing.assert_array_equal(codes, greedy(model, 2))


def test_low_temperature_and_small_top_p_are_greedy_too(gpt):
    expected = codes_of(gpt, top_k=1)
    np.testing.assert_array_equal(codes_of(gpt, temperature=1e-4), expected)
    np.testing.assert_array_equal(codes_of(gpt, top_p=1e-4), expected)
    assert (codes_of(gpt) != expected).any()


def test_codes_come_from_the_prior_s_distribution(gpt):
    # Teacher-forced on its own samples, each code lies where its uniform number says.
    codes = codes_of(gpt, 8, seed=2)
    logits = gpt.logits(codes).reshape(8, gpt.length, 32).astype("float64")
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(weights, axis=-1) / weights.sum(axis=-1, keepdims=True)
    uniform = uniform_numbers(2, 0, 8, gpt.length).T
    expected = (cumulative <= uniform[..., None]).sum(axis=-1)
    assert (codes.reshape(8, -1) == expected).mean() >= 0.99


def test_the_compiled_loop_is_used_again(gpt, monkeypatch):
    assert decoding_loop.compiled_decode_run(gpt, 2) is decoding_loop.compiled_decode_run(gpt, 2)
    codes_of(gpt, top_p=0.9)
    traced = []
    original = decoding_loop.decode_run
    monkeypatch.setattr(
        decoding_loop, "decode_run", lambda *args: traced.append(1) or original(*args)
    )
    codes_of(gpt, seed=9, temperature=0.7, top_p=0.8)
    # PyTorch compiles nothing: it takes its loop once a run.
    assert len(traced) == (1 if keras.backend.backend() == "torch" else 0)


def test_new_weights_give_new_samples():
    gpt = random_gpt()
    before = codes_of(gpt, top_k=1)
    randomize(gpt, seed=7)
    after = codes_of(gpt, top_k=1)
    assert (after != before).any()
    np.testing.assert_array_equal(after, greedy(gpt, 2))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n": 0}, "n must be a positive integer; got 0"),
        ({"batch_size": 0}, "batch_size must be a positive integer; got 0"),
        ({"temperature": 0.0}, "temperature must be above 0.*top_k=1"),
        ({"temperature": float("nan")}, "temperature must be above 0"),
        ({"top_k": 0}, r"top_k must be in \[1, 32\].*got 0"),
        ({"top_k": 33}, r"top_k must be in \[1, 32\].*got 33"),
        ({"top_k": 2.5}, r"top_k must be"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]; got 0.0"),
        ({"top_p": 1.5}, r"top_p must be in \(0, 1\]; got 1.5"),
        ({"seed": -1}, "seed must be a non-negative integer or None; got -1"),
        ({"seed": 1.5}, "seed must be a non-negative integer"),
        (
            {"frames": np.zeros((1, 1, 16, 16, 3), "uint8")},
            "frames were given, but the prior is not conditioned",
        ),
        ({"labels": [1]}, "labels were given, but"),
        ({"actions": [[1.0]]}, "actions were given, but"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_names_it(gpt, options, message):
    with pytest.raises(ValueError, match=message):
        kvg.sample(gpt, progress=False, **{"n": 1, **options})


def test_only_a_prior_is_sampled(gpt):
    with pytest.raises(ValueError, match="model must be a VideoGPT.*got <VQVAE"):
        kvg.sample(gpt.tokenizer, n=1)


def test_half_precision_decodes_what_a_model_of_that_precision_predicts():
    gpt = random_gpt()
    copy = kvg.VideoGPT.from_config({**gpt.get_config(), "dtype": "bfloat16"})
    copy.set_weights(gpt.get_weights())
    codes = codes_of(gpt, top_k=1, dtype="bfloat16")
    chosen = copy.logits(codes).astype("float32")
    best = chosen.max(axis=-1)
    taken = np.take_along_axis(chosen, codes[..., None], axis=-1)[..., 0]
    # Rounding differs between a step and a whole sequence: a near tie may be broken otherwise.
    assert (best - taken).max() < 0.1
    randomize(gpt, seed=7)
    assert (codes_of(gpt, top_k=1, dtype="bfloat16") != codes).any()


def test_models_of_mixed_precision_sample():
    vqvae = small_vqvae()
    keras.config.set_dtype_policy("mixed_bfloat16")
    gpt = small_gpt(vqvae)
    clips = kvg.sample(gpt, 2, seed=0, progress=False)
    assert clips.dtype == np.uint8 and gpt.embed.kernel.dtype == "float32"


def test_sampled_sequences_have_the_prior_s_distribution():
    vqvae = small_vqvae(video_shape=(2, 8, 8, 3), num_codes=4)
    gpt = small_gpt(vqvae, num_layers=1)
    randomize(gpt, seed=3)
    assert gpt.length == 4
    every = np.stack(np.unravel_index(np.arange(256), (4,) * 4), axis=-1).astype("int32")
    nats = -gpt.bits_per_dim(every.reshape(256, *gpt.codes_shape)) * 4 * np.log(2)
    expected = np.exp(nats.astype("float64"))
    assert expected.sum() == pytest.approx(1, abs=1e-4)
    count = 20_000
    codes = sample_codes(gpt, uniform_numbers(0, 0, count, 4))
    sequences = np.ravel_multi_index(tuple(codes.reshape(count, 4).T), (4,) * 4)
    drawn = np.bincount(sequences, minlength=256)
    # Rare sequences together, as a chi-square test needs.
    common = expected * count >= 5
    drawn = np.append(drawn[common], drawn[~common].sum())
    expected = np.append(expected[common], expected[~common].sum()) * count
    freedom = len(drawn) - 1
    assert freedom > 20
    statistic = ((drawn - expected) ** 2 / np.maximum(expected, 1e-9)).sum()
    # Mean and deviation of the chi-square distribution; five deviations are one in a million.
    assert statistic < freedom + 5 * np.sqrt(2 * freedom)


def test_an_interruption_keeps_finished_clips(gpt, monkeypatch):
    from keras_videogpt.sampling import sample_batches as module

    original, calls = module.sample_codes, []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **options)

    expected = kvg.sample(gpt, 5, seed=0, progress=False)
    monkeypatch.setattr(module, "sample_codes", interrupted)
    with pytest.warns(UserWarning, match="4 of 5 clips are finished"):
        kept = kvg.sample(gpt, 5, seed=0, progress=False, batch_size=2)
    np.testing.assert_array_equal(kept, expected[:4])
    calls[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt):
        kvg.sample(gpt, 5, seed=0, progress=False, batch_size=2)


def test_batches_are_as_large_as_their_cache_may_be(gpt):
    from keras_videogpt.sampling.decoding_model import fitting_batch_size

    clip = 2 * 2 * gpt.length * gpt.hidden_dim * 4
    assert fitting_batch_size(gpt, 100, most_bytes=10 * clip) == 10
    assert fitting_batch_size(gpt, 3, most_bytes=10 * clip) == 3
    assert fitting_batch_size(gpt, 100, most_bytes=1) == 1
    assert fitting_batch_size(gpt, 100) == 64


@pytest.mark.parametrize("longest_run", [1, 4])
@pytest.mark.parametrize("sizes", [1, 3])
def test_runs_and_growth_of_the_cache_change_nothing(longest_run, sizes, gpt, monkeypatch):
    expected = codes_of(gpt, temperature=0.8)
    monkeypatch.setattr(cache, "LONGEST_RUN", longest_run)
    monkeypatch.setitem(cache.MOST_SIZES, keras.backend.backend(), sizes)
    other = random_gpt()
    seen = {cache.cache_length(other, 2, filled) for filled in range(1, 17)}
    assert max(seen) == 16 and 1 <= len(seen) <= sizes
    assert all(cache.cache_length(other, 2, filled) >= filled for filled in range(1, 17))
    np.testing.assert_array_equal(codes_of(other, temperature=0.8), expected)
    np.testing.assert_array_equal(codes_of(other, top_k=1), greedy(other, 2))


def test_batches_come_one_by_one_and_from_any_clip_on(gpt):
    clips, codes = kvg.sample(gpt, 5, seed=0, return_codes=True, progress=False)
    options = {"seed": 0, "batch_size": 2, "progress": False}
    batches = list(kvg.sample_batches(gpt, 5, **options))
    assert [len(part) for part, _ in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in batches]), clips)
    later = list(kvg.sample_batches(gpt, 5, first_clip=3, **options))
    np.testing.assert_array_equal(np.concatenate([part for _, part in later]), codes[3:])
    assert list(kvg.sample_batches(gpt, 5, first_clip=5, **options)) == []
    with pytest.raises(ValueError, match=r"first_clip must be in \[0, 5\].*got 6"):
        kvg.sample_batches(gpt, 5, first_clip=6, **options)
