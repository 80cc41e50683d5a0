"""Settings of models and of their training, data sets, and models, by name."""

from keras_videogpt.presets.built_in import Preset, available
from keras_videogpt.presets.data_sets import DATA_SETS
from keras_videogpt.presets.settings import PRIORS, TOKENIZERS, settings

__all__ = ["DATA_SETS", "PRIORS", "TOKENIZERS", "Preset", "available", "settings"]
