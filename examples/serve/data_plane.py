"""Requests over HTTP as KServe reads them, but malformed ones are always the caller's error."""

import json

import numpy as np
from kserve import InferInput, InferRequest
from kserve.errors import InvalidInput
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import RequestedOutput
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.utils.numpy_codec import to_np_dtype

MALFORMED = (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


class StrictDataPlane(DataPlane):
    """Reads bodies of JSON and bytes, the protocol's extension for binary data, itself.

    KServe makes lists of Python's numbers of them, and its answer to malformed ones is status 500.
    """

    def decode_inference_request(self, body, headers, model_name) -> InferRequest:
        try:
            if isinstance(body, bytes):
                json_length = int(headers.get("inference-header-content-length", len(body)))
                return read_binary(body, json_length, model_name)
            return super().decode_inference_request(body, headers, model_name)
        except MALFORMED as error:
            if isinstance(error, InvalidInput):
                raise
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise InvalidInput(f"The request isn't of the protocol: {reason:.200}.") from error


class FixedModels(ModelRepositoryExtension):
    """Nobody loads or unloads models from outside."""

    async def load(self, model_name):
        raise InvalidInput("The models of this server are fixed.")

    unload = load


def read_binary(body: bytes, json_length: int, model_name: str) -> InferRequest:
    """A request whose header is JSON and whose arrays follow it as bytes."""
    if not 0 <= json_length <= len(body):
        raise InvalidInput(f"Inference-Header-Content-Length: {json_length} of {len(body)} bytes.")
    header = json.loads(body[:json_length])
    inputs, start = [], json_length
    for tensor in header["inputs"]:
        name, shape, datatype = tensor["name"], list(map(int, tensor["shape"])), tensor["datatype"]
        check_name(name)
        data = tensor.get("data")
        if data is None:
            size, dtype = int(tensor["parameters"]["binary_data_size"]), to_np_dtype(datatype)
            if dtype in (None, np.object_) or size % np.dtype(dtype).itemsize:
                raise InvalidInput(f"{name}: {size} bytes are no array of {datatype}.")
            if not 0 <= size <= len(body) - start:
                raise InvalidInput(f"{name}: binary_data_size {size} is past the end of the body.")
            data = np.frombuffer(body, dtype, size // np.dtype(dtype).itemsize, start)
            start += size
        inputs.append(InferInput(name, shape, datatype, data))
    if start != len(body):
        raise InvalidInput(f"The body has {len(body) - start} bytes that no input claims.")
    for output in header.get("outputs") or ():
        check_name(output["name"])
    outputs = [RequestedOutput(o["name"], o.get("parameters")) for o in header.get("outputs") or ()]
    parameters = header.get("parameters")
    return InferRequest(
        model_name, inputs, header.get("id"), parameters=parameters, request_outputs=outputs or None
    )


def check_name(name) -> None:
    if not isinstance(name, str):
        raise InvalidInput(f"A name of an input or output must be text, got {name!r:.80}.")
