"""A server of `examples/serve` in a process of its own, and what is sent to it."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "serve"
# An environment of examples/serve/requirements.txt.
PYTHON = Path(os.environ.get("SERVING_ENVIRONMENT", ROOT / ".venv-serve")) / "bin" / "python"
PROTOCOLS = pytest.mark.parametrize("protocol", ["http", "grpc"])
QUIET = {
    **os.environ,
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


class Served:
    """A running server: the model, its SavedModel, the process and the addresses."""

    def __init__(self, model, folder: Path, log: Path):
        self.model, self.folder, self.log = model, folder, log
        self.http, self.grpc = f"localhost:{free_port()}", f"localhost:{free_port()}"
        ports = ["--http_port", self.http.split(":")[1], "--grpc_port", self.grpc.split(":")[1]]
        command = [PYTHON, EXAMPLE / "server.py", folder, *ports, "--max_megabytes", "1"]
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, env=QUIET)

    def wait(self, seconds: float = 90):
        """Until it is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://{self.http}/v2/health/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"The server did not start:\n{self.log.read_text()[-3000:]}")

    def post(self, model: str, body, headers=None) -> tuple[int, dict]:
        """Status and content that a body gets, which is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = headers or {"Content-Type": "application/json"}
        url = f"http://{self.http}/v2/models/{model}/infer"
        request = urllib.request.Request(url, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def run(script: Path, *arguments) -> subprocess.CompletedProcess:
    """A script in the environment of the server."""
    command = [PYTHON, script, *[str(argument) for argument in arguments]]
    return subprocess.run(command, capture_output=True, text=True, env=QUIET, timeout=120)


def controls(n=1, seed=0, temperature=1.0) -> dict:
    return {"n": np.int32(n), "seed": np.int64(seed), "temperature": np.float32(temperature)}


def tensor(name="codes", shape=(1, 2, 4, 4), datatype="INT32", data=None, **fields) -> dict:
    data = {"data": [0] * 32 if data is None else data} if not fields else {}
    return {"name": name, "shape": shape, "datatype": datatype, **data, **fields}


BINARY = json.dumps({"inputs": [tensor(parameters={"binary_data_size": 128})]}).encode()
