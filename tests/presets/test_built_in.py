"""The list of presets that come with the package, and the command that prints it."""

import math

import keras
import pytest

import keras_videogpt as kvg
from keras_videogpt.commands import presets as command
from keras_videogpt.models import videogpt
from keras_videogpt.presets import DATA_SETS, PRIORS, TOKENIZERS, available
from keras_videogpt.presets.built_in import model_arguments, tokenizer_of

ONCE = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="shapes are those of every backend; torch is fast"
)
# Of those that differ in their data's variance only, one.
SAME = {"robonet": "bair", "tgif": "ucf101", "paper_tgif": "ucf101", "paper_ucf101": "ucf101"}
DIFFERENT = [name for name in {**DATA_SETS, **PRIORS} if name not in SAME]


def listed(class_name):
    return {one.name: one for one in available() if one.class_name == class_name}


def shapes(model):
    return [tuple(weight.shape) for weight in model.weights]


def tokenizer(name):
    """A tokenizer whose weights have shapes and no values, which takes little time."""
    return kvg.VQVAE(**model_arguments("VQVAE", name))


def test_every_data_set_is_there_as_a_tokenizer_and_as_a_prior():
    assert set(listed("VQVAE")) == {*DATA_SETS, *TOKENIZERS}
    assert set(listed("VideoGPT")) == {*DATA_SETS, *PRIORS, "vizdoom_small"}
    assert {one.name for one in available() if one.trained_on} == {"vizdoom_small"}


@ONCE
@pytest.mark.parametrize("name", [*DATA_SETS, *TOKENIZERS])
def test_the_parameters_of_tokenizers_are_those_of_the_models(name):
    with keras.StatelessScope():
        counted = sum(math.prod(shape) for shape in shapes(tokenizer(name)))
    preset = listed("VQVAE")[name]
    assert preset.parameters == counted and preset.size == 4 * counted


@ONCE
@pytest.mark.parametrize("name", DIFFERENT)
def test_the_parameters_of_priors_are_those_of_the_models(name, monkeypatch):
    # A prior's own copy would be filled with numbers, of which only the count is wanted.
    monkeypatch.setattr(videogpt, "frozen_copy", lambda tokenizer: tokenizer)
    arguments = model_arguments("VideoGPT", name)
    layers = arguments.pop("num_layers")
    with keras.StatelessScope():
        gpt = kvg.VideoGPT(tokenizer(tokenizer_of(name)), num_layers=1, **arguments)
    counted = sum(math.prod(shape) for shape in shapes(gpt))
    counted += (layers - 1) * sum(math.prod(shape) for shape in shapes(gpt.blocks[0]))
    preset = listed("VideoGPT")[name]
    assert preset.parameters == counted and preset.size == 4 * counted


def test_priors_of_the_same_settings_have_the_same_parameters():
    for name, other in SAME.items():
        one, same = model_arguments("VideoGPT", name), model_arguments("VideoGPT", other)
        assert one == same
        tokenizers = [model_arguments("VQVAE", tokenizer_of(n)) for n in (name, other)]
        for arguments in tokenizers:
            arguments.pop("data_variance")
        assert tokenizers[0] == tokenizers[1]
        assert listed("VideoGPT")[name].parameters == listed("VideoGPT")[other].parameters


def test_the_command_prints_a_row_of_each(capsys):
    command.run(None)
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines[1 : len(available()) + 1]]
    assert [(row[0], row[1]) for row in rows] == [(p.name, p.class_name) for p in available()]
    first = lines[1]
    assert "1,791,713" in first and "7.4 MB" in first and "ViZDoom health_gathering" in first
    assert sum("untrained" in line for line in lines[1:-4]) == len(available()) - 1
