"""What the server of `examples/serve` refuses, and how it says so."""

import urllib.error
import urllib.request

import pytest
from serving import BINARY, EXAMPLE, PROTOCOLS, run, tensor


@PROTOCOLS
@pytest.mark.parametrize(
    "name, named",
    [
        ("encode.dtype", "video: datatype UINT8 is needed, got FP32."),
        ("encode.shape", "video: shape [-1, 4, 16, 16, 3] is needed, got [5, 4, 15, 16, 3]."),
        ("encode.many", "video: 1 to 16 clips, got 17."),
        ("encode.none", "video: 1 to 16 clips, got 0."),
        ("decode.range", "codes must lie in [0, 31]."),
        ("sample.n", "n: 1 to 16 clips, got 17."),
        ("sample.labels", "labels must lie in [0, 2]."),
        ("sample.number", "labels must be of n clips."),
        ("sample.missing", "labels is missing. sample takes n, seed, temperature, labels."),
        ("sample_unconditional.seed", "seed must be 0 or more."),
        ("sample_unconditional.temperature", "temperature must be 0 or more, and finite."),
        ("sample_unconditional.unknown", "'frames' is not an input."),
    ],
)
def test_a_malformed_request_is_refused_in_a_line_that_names_the_argument(
    answers, name, named, protocol
):
    status, message = answers[1](name, protocol)
    assert status == {"http": "400", "grpc": "StatusCode.INVALID_ARGUMENT"}[protocol]
    assert message.startswith(named) and "\n" not in message


def test_requests_of_unknown_models_and_too_large_ones_are_refused(answers):
    assert answers[1]("nothing.model", "http")[0] == "404"
    assert answers[1]("nothing.model", "grpc")[0] == "StatusCode.NOT_FOUND"
    assert answers[1]("encode.large", "http")[0] == "413"
    assert answers[1]("encode.large", "grpc")[0] == "StatusCode.RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    "body, headers, named",
    [
        (b"{", None, "JSON decode error"),
        (b"[]", None, "body"),
        (b"\x00\xff", {}, "isn't of the protocol"),
        ({}, None, "inputs"),
        ({"inputs": [{"name": "codes"}]}, None, "inputs.0.shape"),
        ({"inputs": [tensor(shape="x")]}, None, "inputs.0.shape"),
        ({"inputs": [tensor(), tensor()]}, None, "twice"),
        ({"inputs": [tensor(shape=(-1, 2, 4, 4))]}, None, "codes"),
        ({"inputs": [tensor(data=[0] * 31)]}, None, "codes"),
        ({"inputs": [tensor(data=[0.5] * 32)]}, None, "codes"),
        ({"inputs": [tensor(data=["0"] * 32)]}, None, "codes"),
        ({"inputs": [tensor(data=[2**40] * 32)]}, None, "codes"),
        ({"inputs": [tensor(data=[[0], [0, 1]])]}, None, "codes"),
        ({"inputs": [tensor(datatype="QUATERNION")]}, None, "codes"),
        ({"inputs": [tensor()], "outputs": [{"name": "sound"}]}, None, "'sound'"),
        (BINARY, {"Inference-Header-Content-Length": str(len(BINARY))}, "codes"),
        (BINARY + bytes(127), {"Inference-Header-Content-Length": str(len(BINARY))}, "codes"),
        (BINARY + bytes(129), {"Inference-Header-Content-Length": str(len(BINARY))}, "1 bytes"),
        (BINARY + bytes(128), {"Inference-Header-Content-Length": "9999"}, "Length: 9999"),
        (BINARY + bytes(128), {"Inference-Header-Content-Length": "many"}, "many"),
        (b"[" * 100_000, {}, "isn't of the protocol"),
        (BINARY.replace(b'"codes"', b'["codes"]'), {}, "must be text"),
        (BINARY.replace(b"128", b"1e999"), {}, "isn't of the protocol"),
    ],
)
def test_a_malformed_body_is_a_400_that_says_what_is_wrong(served, body, headers, named):
    if headers is not None:
        length = {"Inference-Header-Content-Length": str(len(body))}
        headers = {"Content-Type": "application/octet-stream", **length, **headers}
    status, content = served.post("decode", body, headers)
    assert status == 400
    assert named in content["error"] and "\n" not in content["error"]


def test_models_cannot_be_unloaded_from_outside(served):
    url = f"http://{served.http}/v2/repository/models/encode/unload"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, b""), timeout=10)
    assert error.value.code == 400


def test_a_folder_without_a_model_is_one_clear_line(served, tmp_path):
    done = run(EXAMPLE / "server.py", tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].endswith(f"folder: {tmp_path} holds no SavedModel.")
