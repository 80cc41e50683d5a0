"""Each format's own runtime, as a function from NumPy arrays by name to arrays by name."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_videogpt.exporting.formats import FORMATS

PACKAGES = {
    "litert": ["ai_edge_litert"],
    "onnx": ["tf2onnx", "onnxruntime"],
    "openvino": ["openvino"],
}
# A process that has the file and PyTorch, and nothing of Keras.
TORCH_PROCESS = """
import sys, numpy as np, torch
program, given, result = sys.argv[1:]
inputs = {name: torch.from_numpy(array) for name, array in np.load(given).items()}
outputs = torch.export.load(program).module()(**inputs)
assert "keras" not in sys.modules
np.savez(result, **{name: tensor.numpy() for name, tensor in outputs.items()})
"""


def skip_unless_runnable(format: str) -> None:
    """Skips a test whose format is written on another backend, or whose runtime is missing."""
    if keras.backend.backend() != FORMATS[format].backend:
        pytest.skip(f"{format} is written on {FORMATS[format].backend}")
    for package in PACKAGES.get(format, []):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def opened(format: str, folder: Path, name: str):
    """What an exported file computes, by the runtime of its format."""
    described = json.loads((folder / "export.json").read_text())["functions"][name]
    file = folder / described["file"]
    run = {"onnx": _onnx, "litert": _litert, "openvino": _openvino, "torch": _torch}[format](file)

    def call(**inputs):
        inputs = {name: np.asarray(array) for name, array in inputs.items()}
        assert {name: str(array.dtype) for name, array in inputs.items()} == {
            name: spec["dtype"] for name, spec in described["inputs"].items()
        }
        outputs = run(inputs)
        for key, spec in described["outputs"].items():
            assert str(outputs[key].dtype) == spec["dtype"]
            assert outputs[key].shape[1:] == tuple(spec["shape"][1:])
        assert outputs.keys() == described["outputs"].keys()
        return outputs

    return call


def _onnx(file):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))


def _litert(file):
    from ai_edge_litert.interpreter import Interpreter

    # By signature, whose runner takes any number of clips.
    runner = Interpreter(str(file)).get_signature_runner()
    return lambda inputs: {name: np.copy(array) for name, array in runner(**inputs).items()}


def _openvino(file):
    import openvino

    # By default a processor that has bfloat16 computes in it.
    compiled = openvino.compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs):
        outputs = compiled(inputs)
        return {output.get_any_name(): np.copy(outputs[output]) for output in compiled.outputs}

    return run


def _torch(file):
    import torch

    program = torch.export.load(file).module()

    def run(inputs):
        outputs = program(**{name: torch.from_numpy(array) for name, array in inputs.items()})
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    return run


def torch_in_own_process(file: Path, inputs: dict, scratch: Path) -> dict[str, np.ndarray]:
    """What a program of PyTorch gives where there is no Keras."""
    np.savez(scratch / "given.npz", **inputs)
    arguments = [str(file), str(scratch / "given.npz"), str(scratch / "result.npz")]
    subprocess.run([sys.executable, "-c", TORCH_PROCESS, *arguments], check=True, cwd=scratch)
    with np.load(scratch / "result.npz") as result:
        return dict(result)
