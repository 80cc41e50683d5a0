"""Settings of models and of their training, by name."""

from keras_videogpt.presets.settings import PRIORS, TOKENIZERS, settings

__all__ = ["PRIORS", "TOKENIZERS", "settings"]
