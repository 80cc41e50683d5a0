"""How two processes on this machine find each other, on each backend."""

import json
import socket

import keras


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environments() -> list[dict[str, str]]:
    """The variables of the environment of each of two processes."""
    first, second = (f"127.0.0.1:{free_port()}" for _ in range(2))
    if keras.backend.backend() == "tensorflow":
        cluster = {"worker": [first, second]}
        tasks = [{"type": "worker", "index": index} for index in range(2)]
        return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]
    if keras.backend.backend() == "jax":
        prefix = "KERAS_DISTRIBUTION_"
        both = {f"{prefix}NUM_PROCESSES": "2", f"{prefix}JOB_ADDRESSES": first}
        return [both | {f"{prefix}PROCESS_ID": str(index)} for index in range(2)]
    address, port = first.split(":")
    both = {"WORLD_SIZE": "2", "MASTER_ADDR": address, "MASTER_PORT": port}
    return [both | {"RANK": str(index), "LOCAL_RANK": str(index)} for index in range(2)]
