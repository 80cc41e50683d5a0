"""Public functions say what they take and return; mypy checks that it is so."""

import importlib
import inspect
import pkgutil
import types

import pytest

import keras_videogpt as kvg


def public_functions(module):
    """Functions of a module and methods of its classes, but for those that Keras has, too."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield thing
        elif inspect.isclass(thing):
            yield from public_methods(thing)


def public_methods(cls):
    foreign = [base for base in cls.__mro__ if not base.__module__.startswith("keras_videogpt")]
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        hidden = name.startswith("_") or any(name in vars(base) for base in foreign)
        if hidden and name != "__init__":
            continue
        if inspect.isfunction(function) and function.__module__ == cls.__module__:
            yield function


def missing_hints(module):
    missing = []
    for function in public_functions(module):
        signature = inspect.signature(function)
        for position, parameter in enumerate(signature.parameters.values()):
            receiver = position == 0 and parameter.name in ("self", "cls")
            if parameter.annotation is parameter.empty and not receiver:
                missing.append(f"{function.__qualname__}({parameter.name})")
        if signature.return_annotation is signature.empty and function.__name__ != "__init__":
            missing.append(f"{function.__qualname__} ->")
    return missing


NAMES = [info.name for info in pkgutil.walk_packages(kvg.__path__, "keras_videogpt.")]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("__main__")])
def test_every_public_function_has_type_hints(name):
    assert not missing_hints(importlib.import_module(name))


def test_what_lacks_hints_is_found_and_what_keras_names_is_not():
    module = types.ModuleType("keras_videogpt.untyped")
    source = """
import keras
class Layer(keras.layers.Layer):
    def __init__(self, size): ...
    def call(self, x): ...
    def step(self, x) -> int: ...
    @classmethod
    def made(cls, size: int): ...
    @property
    def size(self): ...
    def _hidden(self, x): ...
def function(x: int, *, y=1) -> int: ...
def _hidden(x): ...
"""
    exec(source, vars(module))
    assert missing_hints(module) == [
        "Layer.__init__(size)",
        "Layer.step(x)",
        "Layer.made ->",
        "Layer.size ->",
        "function(y)",
    ]
