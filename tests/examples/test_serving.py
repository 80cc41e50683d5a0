"""`examples/serve` as written: what its server answers, its clients, its load test."""

import json

import numpy as np
from PIL import Image
from serving import BINARY, EXAMPLE, PROTOCOLS, run, tensor

import keras_videogpt as kvg


@PROTOCOLS
def test_the_tokenizer_gives_what_it_gives_in_python(served, answers, protocol):
    inputs, answer = answers
    tokenizer = served.model.tokenizer
    video, codes = inputs["encode.good"]["video"], inputs["decode.good"]["codes"]
    encoded = answer("encode.good", protocol)["codes"]
    assert encoded.dtype == "int32"
    np.testing.assert_array_equal(encoded, np.asarray(tokenizer.encode(video)))
    decoded = answer("decode.good", protocol)["video"]
    assert decoded.dtype == "float32" and decoded.std() > 0.01
    np.testing.assert_allclose(decoded, np.asarray(tokenizer.decode(codes)), atol=1e-4)
    reconstructed = answer("reconstruct.good", protocol)["video"]
    np.testing.assert_allclose(reconstructed, np.asarray(tokenizer.decode(encoded)), atol=1e-4)


@PROTOCOLS
def test_samples_are_those_of_python_code_for_code(served, answers, protocol):
    inputs, answer = answers
    for name, options in {
        "sample.greedy": {"top_k": 1},
        "sample.drawn": {"seed": 2**40},
        "sample_unconditional.drawn": {"seed": 7, "temperature": 0.7},
    }.items():
        n, labels = int(inputs[name]["n"]), inputs[name].get("labels")
        clips, codes = kvg.sample(
            served.model, n=n, labels=labels, return_codes=True, progress=False, **options
        )
        found = answer(name, protocol)
        np.testing.assert_array_equal(found["codes"], np.asarray(codes))
        assert found["video"].dtype == "uint8"
        assert np.abs(found["video"].astype(int) - clips).max() <= 1


def test_json_and_bytes_say_the_same(served):
    status, content = served.post("decode", {"inputs": [tensor()]})
    assert status == 200
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(BINARY)),
    }
    assert served.post("decode", BINARY + bytes(128), headers)[1]["outputs"] == content["outputs"]


def test_many_requests_at_once_are_all_answered_right(served):
    urls = ["--http", served.http, "--grpc", served.grpc, "--pid", served.process.pid]
    done = run(EXAMPLE / "load_test.py", served.folder, *urls, "--requests", 100)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout)
    assert figures["right"] + figures["refused"] == 100
    assert figures["refused"] > 0 and figures["server_megabytes"][-1] > 100


@PROTOCOLS
def test_the_client_writes_pictures(served, tmp_path, protocol):
    where = ["--url", served.http] if protocol == "http" else ["--url", served.grpc, "--grpc"]
    controls = ["-n", 2, "--seed", 3, "--label", 1]
    sampled = run(EXAMPLE / "client.py", "sample", *controls, *where, "--out", tmp_path / "s.gif")
    assert sampled.returncode == 0, sampled.stderr
    with Image.open(tmp_path / "s.gif") as picture:
        assert picture.size == (32, 16) and picture.n_frames == 4
    out = tmp_path / "r.gif"
    done = run(EXAMPLE / "client.py", "reconstruct", tmp_path / "s.gif", *where, "--out", out)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as picture:
        assert picture.size == (32, 16)
    refused = run(EXAMPLE / "client.py", "sample", "-n", 99, "--label", 1, *where, "--out", out)
    assert refused.returncode == 1
    assert "n: 1 to 16 clips, got 99." in refused.stderr and "Traceback" not in refused.stderr
