"""Settings of models and of their training, and data sets, by name."""

from keras_videogpt.presets.data_sets import DATA_SETS
from keras_videogpt.presets.settings import PRIORS, TOKENIZERS, settings

__all__ = ["DATA_SETS", "PRIORS", "TOKENIZERS", "settings"]
