"""The examples in docstrings run, and print what they say on every backend."""

import doctest
import importlib
import pkgutil
import re

import keras
import numpy as np
import pytest

import keras_videogpt as kvg

MODULES = (
    "callbacks",
    "convert",
    "distribution",
    "evaluation",
    "exporting",
    "layers",
    "metrics",
    "metrics.networks",
    "models",
    "new_folder",
    "presets",
    "quantizers",
    "sampling",
    "tokens",
    "training",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Shapes(doctest.OutputChecker):
    """Takes the shapes of TensorFlow and PyTorch for the tuples they are."""

    def check_output(self, want, got, flags):
        got = re.sub(r"(?:torch\.Size|TensorShape)\(\[(.*?)\]\)", r"(\1)", got)
        one_element = re.compile(r"\((\w+),\)")
        return super().check_output(
            one_element.sub(r"(\1)", want), one_element.sub(r"(\1)", got), flags
        )


def modules():
    for name in MODULES:
        module = importlib.import_module(f"keras_videogpt.{name}")
        yield module
        inside = getattr(module, "__path__", ())  # of packages
        for info in pkgutil.iter_modules(inside, f"keras_videogpt.{name}."):
            module = importlib.import_module(info.name)
            alone = "A file for TensorFlow alone." in (module.__doc__ or "")
            if not alone or keras.backend.backend() == "tensorflow":
                yield module


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in modules():
        for test in finder.find(module, module.__name__):
            if test.examples:
                yield pytest.param(test, id=test.name.removeprefix("keras_videogpt."))


EXAMPLES = list(examples())


def test_there_are_examples_of_each_of_them():
    found = {param.id.partition(".")[0] for param in EXAMPLES}
    assert found == {name.partition(".")[0] for name in MODULES} and len(EXAMPLES) >= 20


@pytest.mark.parametrize("test", EXAMPLES)
def test_example(test, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"keras": keras, "np": np, "VQVAE": kvg.VQVAE, "VideoGPT": kvg.VideoGPT}
    names |= {"ArrayVideos": kvg.data.ArrayVideos, "Clips": kvg.data.Clips}
    test.globs = {**names, **test.globs}
    report = []
    runner = doctest.DocTestRunner(checker=Shapes(), optionflags=FLAGS)
    result = runner.run(test, out=report.append)
    assert result.attempted > 0 and result.failed == 0, "".join(report)
