"""A step for export computes what the model does, position by position, on every backend."""

import keras
import numpy as np
import pytest
from checks import random_codes
from exporting.compiled_models import (
    compiled,
    encoded_conditions,
    greedy_codes,
    random_conditions,
    random_prior,
    stepped_logits,
)

import keras_videogpt as kvg
from keras_videogpt.exporting.exported_models import exported_models

RESNET = {"frame_cond": 1, "frame_encoder_depth": 18, "frame_encoder_width": 16}
PRIORS = {
    "unconditional": {},
    "two codebooks": {"num_codebooks": 2},
    "sparse": {"attention": "sparse", "block_size": 4, "num_local_blocks": 2},
    "class": {"num_classes": 3, "gains": "original", "epsilon_placement": "outside"},
    "actions by frame": {
        "num_codebooks": 2,
        "action_shape": (4, 2),
        "action_conditioning": "frame",
        "num_classes": 3,
    },
    "frames": {**RESNET, "cross_value_dim": 6, "action_shape": (4,), "num_actions": 3},
    "droppable": {"embedding_shape": (5, 6), "num_classes": 3, "condition_dropout": 0.2},
}


@pytest.mark.parametrize("prior", PRIORS)
def test_steps_give_the_logits_of_the_model(prior):
    gpt = random_prior(**PRIORS[prior])
    codes, conditions = random_codes(gpt, 3), random_conditions(gpt, 3)
    models = exported_models(gpt)
    encode = compiled(models["conditions"]) if "conditions" in models else None
    encoded = encoded_conditions(gpt, encode, conditions)
    logits = stepped_logits(gpt, compiled(models["prior_step"]), codes, encoded)
    expected = gpt.logits(codes, **conditions).reshape(logits.shape)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_greedy_steps_give_the_codes_of_sampling():
    gpt = random_prior(embedding_shape=(5, 6), num_classes=3)
    models, conditions = exported_models(gpt), random_conditions(gpt, 3)
    encoded = encoded_conditions(gpt, compiled(models["conditions"]), conditions)
    codes = greedy_codes(gpt, compiled(models["prior_step"]), 3, encoded)
    _, expected = kvg.sample(gpt, 3, top_k=1, return_codes=True, **conditions)
    np.testing.assert_array_equal(codes, expected)
    assert len(np.unique(codes)) > 1


def test_a_clip_without_its_conditions_has_the_logits_of_none():
    gpt = random_prior(**PRIORS["droppable"])
    models, codes = exported_models(gpt), random_codes(gpt, 2)
    inputs = random_conditions(gpt, 2) | {"given": np.zeros((2, 2), "bool")}
    encoded = compiled(models["conditions"])(**inputs)
    logits = stepped_logits(gpt, compiled(models["prior_step"]), codes, encoded)
    np.testing.assert_allclose(logits, gpt.logits(codes).reshape(logits.shape), atol=1e-5)
    with_conditions = gpt.logits(codes, **random_conditions(gpt, 2)).reshape(logits.shape)
    assert np.abs(logits - with_conditions).max() > 0.01


def test_models_of_mixed_precision_are_exported_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    gpt = random_prior(num_classes=3)
    models, codes = exported_models(gpt), random_codes(gpt, 2)
    assert {t.dtype for m in models.values() for t in m.output.values()} == {"float32", "int32"}
    encoded = compiled(models["conditions"])(labels=np.array([0, 2], "int32"))
    logits = stepped_logits(gpt, compiled(models["prior_step"]), codes, encoded)
    rounded = gpt.logits(codes, labels=np.array([0, 2])).reshape(logits.shape)
    assert 0 < np.abs(logits - rounded).max() < 0.1
    video = compiled(models["decoder"])(codes=codes)["video"]
    assert 0 < np.abs(video - gpt.tokenizer.decode(codes)).max() < 0.1


def test_encoder_and_decoder_take_and_give_what_the_tokenizer_does(videos):
    tokenizer = random_prior(num_codebooks=2).tokenizer
    models = exported_models(tokenizer)
    assert list(models) == ["encoder", "decoder"]
    codes = compiled(models["encoder"])(video=videos)["codes"]
    np.testing.assert_array_equal(codes, tokenizer.encode(videos))
    decoded = compiled(models["decoder"])(codes=codes)["video"]
    np.testing.assert_allclose(decoded, tokenizer.decode(codes), atol=1e-5)
