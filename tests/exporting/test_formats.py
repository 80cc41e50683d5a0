"""What is exported computes in the runtime of its format what it does in Python."""

import re
import zipfile
from functools import cache

import numpy as np
import pytest
from checks import random_codes, randomize, small_vqvae
from exporting.compiled_models import (
    encoded_conditions,
    greedy_codes,
    random_conditions,
    random_prior,
    stepped_logits,
)
from exporting.runtimes import opened, skip_unless_runnable, torch_in_own_process

import keras_videogpt as kvg
from keras_videogpt.exporting.export import export

FORMATS = ("onnx", "litert", "openvino", "torch")
# Everything that a step may take of conditions.
PRIOR = {
    "num_layers": 1,
    "num_codebooks": 2,
    "attention": "sparse",
    "block_size": 8,
    "num_local_blocks": 2,
    "embedding_shape": (5, 6),
    "num_classes": 3,
    "action_shape": (4,),
    "num_actions": 3,
    "action_conditioning": "frame",
    "condition_dropout": 0.2,
}


@pytest.fixture(scope="module")
def gpt():
    return random_prior(**PRIOR)


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, gpt, tmp_path_factory):
    """A format, a prior in it, and what opens a file of it."""
    skip_unless_runnable(request.param)
    folder = tmp_path_factory.mktemp(request.param) / "exported"
    written = export(gpt, folder, request.param)
    names = {"encoder", "decoder", "conditions", "prior_step", "export"}
    assert {path.stem for path in written} == names
    return request.param, folder, cache(lambda name: opened(request.param, folder, name))


@pytest.mark.parametrize("count", [1, 3])
def test_encoder_and_decoder(exported, gpt, videos, count):
    *_, run = exported
    codes = run("encoder")(video=videos[:count])["codes"]
    np.testing.assert_array_equal(codes, gpt.tokenizer.encode(videos[:count]))
    assert len(np.unique(codes)) > 3
    decoded = run("decoder")(codes=codes)["video"]
    np.testing.assert_allclose(decoded, gpt.tokenizer.decode(codes), atol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
def test_steps_over_all_positions(exported, gpt, count):
    *_, run = exported
    codes, conditions = random_codes(gpt, count), random_conditions(gpt, count)
    encoded = encoded_conditions(gpt, run("conditions"), conditions)
    logits = stepped_logits(gpt, run("prior_step"), codes, encoded)
    expected = gpt.logits(codes, **conditions).reshape(logits.shape)
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_greedy_decoding_draws_the_codes_of_sampling(exported, gpt):
    *_, run = exported
    conditions = random_conditions(gpt, 2)
    encoded = encoded_conditions(gpt, run("conditions"), conditions)
    codes = greedy_codes(gpt, run("prior_step"), 2, encoded)
    clips, expected = kvg.sample(gpt, 2, top_k=1, return_codes=True, **conditions)
    np.testing.assert_array_equal(codes, expected)
    decoded = run("decoder")(codes=codes)["video"]
    assert np.abs(kvg.layers.to_uint8(decoded).astype(int) - clips).max() <= 1


def test_a_clip_without_its_conditions(exported, gpt):
    *_, run = exported
    codes, inputs = random_codes(gpt, 2), random_conditions(gpt, 2)
    inputs["given"] = np.zeros((2, len(gpt.conditions.keys)), "bool")
    encoded = run("conditions")(**inputs)
    logits = stepped_logits(gpt, run("prior_step"), codes, encoded)
    np.testing.assert_allclose(logits, gpt.logits(codes).reshape(logits.shape), atol=1e-4)


def test_a_batch_size_may_be_fixed(exported, videos, tmp_path):
    format, *_ = exported
    tokenizer = small_vqvae(axial_attention=False)
    randomize(tokenizer)
    export(tokenizer, tmp_path / "two", format, batch_size=2)
    encode = opened(format, tmp_path / "two", "encoder")
    np.testing.assert_array_equal(encode(video=videos[:2])["codes"], tokenizer.encode(videos[:2]))
    if format != "litert":  # which resizes anything
        with pytest.raises(Exception, match="(?i)shape|dim|size"):
            encode(video=videos[:3])


def test_a_program_of_pytorch_runs_without_keras(exported, gpt, tmp_path):
    format, folder, _ = exported
    if format != "torch":
        pytest.skip("not a program of PyTorch")
    codes = random_codes(gpt, 2)
    outputs = torch_in_own_process(folder / "decoder.pt2", {"codes": codes}, tmp_path)
    np.testing.assert_allclose(outputs["video"], gpt.tokenizer.decode(codes), atol=1e-4)


def test_a_program_of_pytorch_has_its_weights_once(exported, gpt):
    format, folder, _ = exported
    if format != "torch":
        pytest.skip("not a program of PyTorch")
    with zipfile.ZipFile(folder / "prior_step.pt2") as file:
        arrays = [x for x in file.infolist() if re.search(r"/(weight|tensor)_\d+$", x.filename)]
    weights = 4 * (gpt.count_params() - gpt.tokenizer.count_params())
    assert weights / 2 < sum(array.file_size for array in arrays) < 1.5 * weights
