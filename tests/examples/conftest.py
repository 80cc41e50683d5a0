import json
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from checks import randomize, small_gpt, small_vqvae
from serving import EXAMPLE, PYTHON, Served, controls, run

from keras_videogpt.exporting.export import export


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A running server of a small prior, which may go without its labels."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("what is served is exported on TensorFlow, and the same from every backend")
    if not PYTHON.exists():
        pytest.skip("needs an environment of examples/serve/requirements.txt")
    folder = tmp_path_factory.mktemp("serving")
    tokenizer = small_vqvae()
    randomize(tokenizer)
    model = small_gpt(tokenizer, num_classes=3, condition_dropout=0.1)
    randomize(model)
    export(model, folder / "model")
    server = Served(model, folder / "model", folder / "log.txt")
    try:
        server.wait()
        yield server
        assert server.process.poll() is None, server.log.read_text()[-3000:]
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
        assert " 500 " not in server.log.read_text()
    finally:
        server.process.kill()


@pytest.fixture(scope="session")
def answers(served, tmp_path_factory):
    """What the server says to calls over HTTP and gRPC: arrays, or status and message."""
    rng, calls = np.random.default_rng(0), tmp_path_factory.mktemp("calls")
    video = rng.integers(0, 256, (5, *served.model.tokenizer.video_shape)).astype("uint8")
    codes = rng.integers(0, 32, (3, *served.model.tokenizer.codes_shape)).astype("int32")
    labels = np.array([2, 0, 1], "int32")
    inputs = {
        "encode.good": {"video": video},
        "decode.good": {"codes": codes},
        "reconstruct.good": {"video": video},
        "sample.greedy": {**controls(3, temperature=0), "labels": labels},
        "sample.drawn": {**controls(3, seed=2**40), "labels": labels},
        "sample_unconditional.drawn": controls(3, seed=7, temperature=0.7),
        "encode.dtype": {"video": video.astype("float32")},
        "encode.shape": {"video": video[:, :, :-1]},
        "encode.many": {"video": np.zeros((17, *video.shape[1:]), "uint8")},
        "encode.none": {"video": video[:0]},
        "encode.large": {"video": np.zeros((400, *video.shape[1:]), "uint8")},
        "decode.range": {"codes": codes + 32},
        "sample.n": {**controls(17), "labels": np.zeros(17, "int32")},
        "sample.labels": {**controls(3), "labels": labels + 1},
        "sample.number": {**controls(2), "labels": labels},
        "sample.missing": controls(2),
        "sample_unconditional.seed": controls(seed=-1),
        "sample_unconditional.temperature": controls(temperature=float("nan")),
        "sample_unconditional.unknown": {**controls(), "frames": video},
        "nothing.model": controls(),
    }
    for name, arrays in inputs.items():
        np.savez(calls / f"{name}.npz", **arrays)
    done = run(Path(__file__).parent / "served_calls.py", EXAMPLE, served.http, served.grpc, calls)
    assert done.returncode == 0, done.stderr

    def answer(name: str, protocol: str):
        refusal = calls / f"{name}.{protocol}.json"
        if refusal.exists():
            return json.loads(refusal.read_text())
        with np.load(calls / f"{name}.{protocol}") as arrays:
            return dict(arrays)

    return inputs, answer
