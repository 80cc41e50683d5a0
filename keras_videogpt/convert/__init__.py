"""Checkpoints of other code as models of ours."""

from keras_videogpt.convert.from_pytorch import from_pytorch

__all__ = ["from_pytorch"]
