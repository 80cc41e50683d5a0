"""Calls a server over HTTP and gRPC, in the environment of the server's client.

    python served_calls.py CLIENT_FOLDER HTTP GRPC CALLS

CALLS holds MODEL.NAME.npz with the inputs of calls; beside them come MODEL.NAME.http and .grpc: the
outputs as .npz, or what the error says as .json.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, sys.argv[1])
from client import Client
from tritonclient.utils import InferenceServerException

clients = {"http": Client(sys.argv[2]), "grpc": Client(sys.argv[3], grpc=True)}
for path in sorted(Path(sys.argv[4]).glob("*.npz")):
    inputs = dict(np.load(path))
    for protocol, client in clients.items():
        answer = path.with_suffix(f".{protocol}")
        try:
            tensors = [client.tensor(name, array) for name, array in inputs.items()]
            with answer.open("wb") as file:
                np.savez(file, **client.infer(path.name.split(".")[0], tensors))
        except InferenceServerException as error:
            answer.with_suffix(f".{protocol}.json").write_text(
                json.dumps([error.status(), error.message()])
            )
