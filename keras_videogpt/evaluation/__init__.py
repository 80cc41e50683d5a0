"""A model measured on held-out clips, batch by batch."""

from keras_videogpt.evaluation.evaluation import Evaluation

__all__ = ["Evaluation"]
