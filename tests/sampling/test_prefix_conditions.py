"""Given codes and conditions together: what is drawn is what the prior says without a cache."""

import keras
import numpy as np
import pytest
from checks import random_codes, randomize, small_gpt, small_vqvae

import keras_videogpt as kvg
from keras_videogpt.sampling import cache, sample_codes
from keras_videogpt.sampling.draw import uniform_numbers

COUNT, SEED, TEMPERATURE = 2, 3, 3.0
FRAMES = {"frame_cond": 1, "frame_encoder_depth": 18, "frame_encoder_width": 8}
CLASSES = {"num_classes": 3}
CLIP_ACTIONS = {"action_shape": (6, 2)}
FRAME_ACTIONS = {"action_shape": (6, 2), "action_conditioning": "frame"}
EMBEDDINGS = {"embedding_shape": (3, 5)}
GUIDED = {"condition_dropout": 0.1}
ALL = {**FRAMES, **CLASSES, **FRAME_ACTIONS, **EMBEDDINGS, **GUIDED}

SPARSE = {"attention": "sparse", "block_size": 2, "num_local_blocks": 1}
TWO_BOOKS = {"num_codebooks": 2, "code_dim": 4}

MODELS = {
    "actions by frame": ({**FRAME_ACTIONS, **GUIDED}, {}),
    "actions of a clip, embeddings": ({**CLIP_ACTIONS, **EMBEDDINGS, **GUIDED}, {}),
    "actions by frame, two codebooks": (FRAME_ACTIONS, TWO_BOOKS),
    "all, sparse, two codebooks": ({**ALL, **SPARSE}, TWO_BOOKS),
}


def given(gpt):
    """Conditions of the clips, all that a prior takes."""
    rng = np.random.default_rng(1)
    every = {
        "frames": rng.integers(0, 256, (COUNT, 1, 8, 8, 3)).astype("uint8"),
        "labels": rng.integers(0, 3, COUNT),
        "actions": rng.normal(size=(COUNT, 6, 2)).astype("float32"),
        "embeddings": rng.normal(size=(COUNT, 3, 5)).astype("float32"),
    }
    conditions = {name: every[name] for name in gpt.conditions.taken}
    if "embeddings" in conditions:
        conditions["embedding_mask"] = np.array([[True, True, False], [True, False, False]])
    return conditions


def without_cache(gpt, prefix, conditions, guidance):
    """Codes drawn one at a time, each from the logits of the codes so far, all else being zeros."""
    start = prefix[0].size
    codes = np.zeros((COUNT, gpt.length), "int32")
    codes[:, :start] = prefix.reshape(COUNT, start)
    uniforms = uniform_numbers(SEED, 0, COUNT, gpt.length)

    def logits_at(place, **conditions):
        logits = gpt.logits(codes.reshape(COUNT, *gpt.codes_shape), **conditions)
        return logits.reshape(COUNT, gpt.length, -1)[:, place].astype("float64")

    for place in range(start, gpt.length):
        logits = logits_at(place, **conditions)
        if guidance != 1:
            unconditional = logits_at(place)
            logits = unconditional + guidance * (logits - unconditional)
        weights = np.exp((logits - logits.max(axis=-1, keepdims=True)) / TEMPERATURE)
        shares = np.cumsum(weights, axis=-1) / weights.sum(axis=-1, keepdims=True)
        codes[:, place] = (shares <= uniforms[place][:, None]).sum(axis=-1)
    return codes.reshape(COUNT, *gpt.codes_shape)


@pytest.mark.parametrize("name", MODELS)
def test_clips_go_on_from_given_codes_as_without_a_cache(name, monkeypatch):
    options, tokenizer_options = MODELS[name]
    gpt = small_gpt(small_vqvae(video_shape=(6, 8, 8, 3), **tokenizer_options), **options)
    randomize(gpt)
    gpt.run_eagerly = True  # compiling it would take longer
    prefilled = []
    original = sample_codes.prefill
    monkeypatch.setattr(cache, "LONGEST_RUN", 2)
    monkeypatch.setitem(cache.MOST_SIZES, keras.backend.backend(), 1)  # to be compiled once

    def recorded(model, codes, *rest):
        prefilled.append(codes.shape)
        original(model, codes, *rest)

    monkeypatch.setattr(sample_codes, "prefill", recorded)
    conditions = given(gpt)
    guidance = 2.0 if gpt.conditions.droppable else 1.0
    sequences = COUNT if guidance == 1 else 2 * COUNT
    keep_frames = "frames" in conditions
    for frames in (1, 2):
        prefix = random_codes(gpt, COUNT, seed=frames)[:, :frames]
        clips, codes = kvg.sample(
            gpt,
            COUNT,
            prefix=prefix,
            temperature=TEMPERATURE,
            seed=SEED,
            guidance=guidance,
            keep_frames=keep_frames,
            return_codes=True,
            progress=False,
            **conditions,
        )
        assert prefilled[-1] == (sequences, prefix[0].size)
        np.testing.assert_array_equal(codes, without_cache(gpt, prefix, conditions, guidance))
        np.testing.assert_array_equal(codes[:, :frames], prefix)
        assert len(np.unique(codes[:, frames:])) > 4
        if keep_frames:
            np.testing.assert_array_equal(clips[:, :1], conditions["frames"])
