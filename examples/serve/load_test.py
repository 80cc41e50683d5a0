"""Sends many requests at once, some of them malformed, and checks every answer.

    python load_test.py FOLDER --pid SERVER [--requests 1000] [--concurrency 16]

FOLDER is the SavedModel that is served: what plain TensorFlow makes of it is the right answer.
Exit status 0 when all answers were right, or a refusal that names the argument where one was due.
"""

import argparse
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

import numpy as np
import psutil
import tensorflow as tf
from client import Client
from tritonclient.utils import InferenceServerException

CLIPS = 8
SEEDS = 4


class Answers:
    """What plain TensorFlow makes of the clips and seeds that the test sends."""

    def __init__(self, folder: str):
        self.served = tf.saved_model.load(folder)
        signatures = self.served.signatures
        shape = signatures["encode"].structured_input_signature[1]["video"].shape
        rng = np.random.default_rng(0)
        # Smooth, so that no pixel sits between two codes.
        video = rng.integers(0, 256, (CLIPS, 1, 1, 1, shape[-1])) + np.zeros((CLIPS, *shape[1:]))
        self.video = video.astype("uint8")
        self.codes = signatures["encode"](video=tf.constant(self.video))["codes"].numpy()
        self.reconstruction = signatures["decode"](codes=tf.constant(self.codes))["video"].numpy()
        name = "sample_unconditional" if "sample_unconditional" in signatures else "sample"
        takes = signatures[name].structured_input_signature[1] if name in signatures else {}
        self.sampler = name if len(takes) == 3 else None
        self.samples = {}
        for seed in range(SEEDS if self.sampler else 0):
            inputs = self.controls(CLIPS, seed)
            found = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
            self.samples[seed] = {key: value.numpy() for key, value in found.items()}

    def controls(self, n: int, seed: int) -> dict[str, np.ndarray]:
        temperature = np.float32(seed % 2)
        return {"n": np.int32(n), "seed": np.int64(seed), "temperature": temperature}

    def request(self, rng: np.random.Generator) -> tuple[str, dict, dict]:
        """A model, its inputs, and the outputs to expect."""
        kinds = ["encode", "decode", "reconstruct", *([self.sampler] if self.sampler else [])]
        kind, size = rng.choice(kinds), int(rng.integers(1, CLIPS + 1))
        if kind == self.sampler:
            seed = int(rng.integers(SEEDS))
            expected = {name: array[:size] for name, array in self.samples[seed].items()}
            return kind, self.controls(size, seed), expected
        chosen = rng.choice(CLIPS, size)
        inputs = (
            {"codes": self.codes[chosen]} if kind == "decode" else {"video": self.video[chosen]}
        )
        if kind == "encode":
            return kind, inputs, {"codes": self.codes[chosen]}
        return kind, inputs, {"video": self.reconstruction[chosen]}

    def malformed(self, rng: np.random.Generator) -> tuple[str, dict, str]:
        """A model, inputs that it does not take, and the name that the refusal must have."""
        bad = [
            ("encode", {"video": self.video.astype("int32")}, "video"),
            ("encode", {"video": self.video[:, :-1]}, "video"),
            ("encode", {"video": np.zeros((999, *self.video.shape[1:]), "uint8")}, "video"),
            ("decode", {"codes": np.full_like(self.codes, 2**30)}, "codes"),
            ("decode", {"codes": -1 - self.codes}, "codes"),
            ("decode", {"video": self.video}, "video"),
            ("reconstruct", {}, "video"),
        ]
        if self.sampler:
            good = self.controls(1, 0)
            bad += [
                (self.sampler, {**good, "n": np.int32(0)}, "n"),
                (self.sampler, {**good, "n": np.int32(2**30)}, "n"),
                (self.sampler, {**good, "seed": np.int64(-1)}, "seed"),
                (self.sampler, {**good, "temperature": np.float32("nan")}, "temperature"),
                (self.sampler, {"n": good["n"], "seed": good["seed"]}, "temperature"),
            ]
        return bad[rng.integers(len(bad))]


class Load:
    """The requests of a test, one by number.

    Args:
        answers: the right ones.
        urls: of HTTP and gRPC.
        malformed: share of requests that are malformed.
    """

    def __init__(self, answers: Answers, urls: tuple[str, str], malformed: float):
        self.answers, self.urls, self.malformed = answers, urls, malformed
        self.thread = local()

    def clients(self) -> list[Client]:
        """Those of this thread."""
        if not hasattr(self.thread, "clients"):
            http, grpc = self.urls
            self.thread.clients = [Client(http), Client(grpc, grpc=True)]
        return self.thread.clients

    def send(self, number: int) -> tuple[str, float]:
        """What came of a request, `right`, `refused` or a sentence; and the seconds it took."""
        rng = np.random.default_rng(number)
        client, start = self.clients()[number % 2], time.perf_counter()
        bad = rng.random() < self.malformed
        model, inputs, expected = (self.answers.malformed if bad else self.answers.request)(rng)
        try:
            tensors = [client.tensor(name, np.asarray(value)) for name, value in inputs.items()]
            found = client.infer(model, tensors)
            outcome = "malformed, but answered" if bad else judged(found, expected)
        except InferenceServerException as error:
            clear = error.status() in ("400", "StatusCode.INVALID_ARGUMENT")
            named = bad and re.match(rf"\W*{re.escape(str(expected))}\b", error.message() or "")
            outcome = "refused" if bad and clear and named else f"{model}: {error}"
        except Exception as error:
            outcome = f"{model}: {error!r}"
        return outcome, time.perf_counter() - start


def judged(found: dict, expected: dict) -> str:
    if set(found) != set(expected):
        return f"outputs {set(found)} for {set(expected)}"
    for name, array in expected.items():
        tolerance = 1e-4 if array.dtype.kind == "f" else 0
        if found[name].shape != array.shape or found[name].dtype != array.dtype:
            return f"{name} of another shape or dtype"
        if not np.allclose(found[name], array, rtol=0, atol=tolerance):
            return f"{name} is wrong"
    return "right"


def megabytes(pid: int) -> float:
    """Resident memory of a process and those it started."""
    process = psutil.Process(pid)
    processes = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in processes) / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the SavedModel that is served")
    parser.add_argument("--http", default="localhost:8080")
    parser.add_argument("--grpc", default="localhost:8081")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--malformed", type=float, default=0.05, help="share of the requests")
    parser.add_argument("--pid", type=int, help="the server's process, to watch its memory")
    options = parser.parse_args()
    load = Load(Answers(options.folder), (options.http, options.grpc), options.malformed)
    outcomes, seconds, memory = [], [], []
    part = max(1, options.requests // 10)
    start = time.perf_counter()
    with ThreadPoolExecutor(options.concurrency) as threads:
        for first in range(0, options.requests, part):
            numbers = range(first, min(first + part, options.requests))
            for outcome, took in threads.map(load.send, numbers):
                outcomes.append(outcome)
                seconds.append(took)
            if options.pid:
                memory.append(round(megabytes(options.pid)))
    elapsed = time.perf_counter() - start
    faults = [outcome for outcome in outcomes if outcome not in ("right", "refused")]
    figures = {
        "requests": len(outcomes),
        "right": outcomes.count("right"),
        "refused": outcomes.count("refused"),
        "faults": len(faults),
        "requests_per_second": round(len(outcomes) / elapsed, 1),
        "median_milliseconds": round(1000 * float(np.median(seconds)), 1),
        "p95_milliseconds": round(1000 * float(np.quantile(seconds, 0.95)), 1),
        "server_megabytes": memory,
    }
    print(json.dumps(figures))
    sys.exit("\n".join(faults[:5]) if faults else 0)


if __name__ == "__main__":
    main()
