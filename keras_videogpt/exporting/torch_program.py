"""Keras models as exported programs of PyTorch (`.pt2`).

A file for PyTorch alone. Keras's own export keeps weights twice, and takes a dictionary in one
order; here inputs are arguments.
"""

import inspect
from inspect import Parameter
from pathlib import Path
from typing import Any

import keras
import torch

from keras_videogpt.exporting.model_file import input_shape


def write_torch_program(model: keras.Model, path: Path, batch_size: int | None = None) -> None:
    """Writes a functional model that takes and gives dictionaries.

    Args:
        model: the model, on the processor; its inputs are keyword arguments of the program, which
            gives a dictionary.
        path: `.pt2`.
        batch_size: `None` for any.

    Reference: https://docs.pytorch.org/docs/stable/export.html
    """
    batch = torch.export.Dim("batch", min=1)
    examples, dynamic = {}, {}
    for name, tensor in model.input.items():
        # Not 1, which would be taken for a constant.
        shape: Any = input_shape(tensor, batch_size or 2)
        examples[name] = torch.zeros(shape, dtype=getattr(torch, tensor.dtype))
        dynamic[name] = {0: batch} if shape and batch_size is None else {}
    with torch.no_grad():
        program = torch.export.export(
            _as_module(model), (), kwargs=examples, dynamic_shapes=dynamic, strict=False
        )
    torch.export.save(program, path)


def _as_module(model):
    """A model as a module without weights of its own: they become constants of the program."""

    class Module(torch.nn.Module):
        def forward(self, **inputs):
            return model(inputs, training=False)

    names = ["self", *model.input]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    # Dynamic shapes are given by the names in the signature.
    Module.forward.__signature__ = inspect.Signature(parameters)
    return Module()
