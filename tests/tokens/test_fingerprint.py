"""The fingerprint of a tokenizer: what it depends on, and what it does not."""

import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae, weights_of

import keras_videogpt as kvg
from keras_videogpt.tokens import fingerprint


def with_known_weights(**options) -> kvg.VQVAE:
    """A tokenizer whose weights are the same numbers on every backend."""
    vqvae = small_vqvae(**{"axial_attention": False, **options})
    rng = np.random.default_rng(0)
    vqvae.set_weights(
        [rng.integers(-8, 8, weight.shape).astype("float32") for weight in vqvae.get_weights()]
    )
    return vqvae


def test_it_is_the_same_on_every_backend():
    assert fingerprint(with_known_weights()) == "82646f3cad6d46f5"


def test_it_is_the_same_after_saving_and_loading_and_in_a_prior(tmp_path):
    vqvae = with_known_weights()
    before = fingerprint(vqvae)
    vqvae.save(tmp_path / "vqvae.keras")
    assert fingerprint(kvg.load(tmp_path / "vqvae.keras")) == before
    gpt = small_gpt(vqvae)
    gpt.save(tmp_path / "gpt.keras")
    assert fingerprint(kvg.load(tmp_path / "gpt.keras").tokenizer) == before
    vqvae.trainable = False
    assert fingerprint(vqvae) == before


def test_it_differs_after_one_weight_changed():
    vqvae = with_known_weights()
    seen = {fingerprint(vqvae)}
    for index, weight in enumerate(weights_of(vqvae)):
        changed = weights_of(vqvae)
        changed[index].flat[weight.size // 2] += 1e-3
        vqvae.set_weights(changed)
        seen.add(fingerprint(vqvae))
    assert len(seen) == 1 + len(vqvae.get_weights())


@pytest.mark.parametrize(
    "options",
    [{"extra_padding": "before"}, {"axial_attention": True}, {"dtype": "mixed_bfloat16"}],
)
def test_it_differs_where_settings_give_other_codes(options):
    assert fingerprint(with_known_weights(**options)) != fingerprint(with_known_weights())


def test_what_only_training_needs_does_not_count():
    other = with_known_weights(ema_decay=0.9, commitment_cost=1.0, seed=7)
    other.compile(optimizer=keras.optimizers.SGD(1.0))
    assert fingerprint(other) == fingerprint(with_known_weights())
