from keras_videogpt.models.vqvae import VQVAE


def frozen_copy(tokenizer: VQVAE) -> VQVAE:
    """A copy of a tokenizer, with its weights, that nothing trains."""
    copy = VQVAE.from_config(tokenizer.get_config())
    copy.set_weights(tokenizer.get_weights())
    copy.trainable = False
    return copy
