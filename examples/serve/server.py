"""Serves the signatures of an exported SavedModel over HTTP and gRPC, and a page to try them on.

    python server.py FOLDER [--http_port 8080] [--grpc_port 8081]

Needs requirements.txt, and nothing of keras_videogpt.
"""

import argparse
from pathlib import Path

import tensorflow as tf
from data_plane import FixedModels, StrictDataPlane
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from grpc_interceptor.exceptions import Unavailable
from kserve import ModelServer, model_server
from signature_model import SignatureModel

PAGE = Path(__file__).parent / "page"


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[model_server.parser])
    parser.add_argument("folder", type=Path, help="a SavedModel of keras_videogpt")
    parser.add_argument("--max_clips", type=int, default=16, help="clips per request and batch")
    parser.add_argument("--max_waiting", type=int, default=128, help="clips that wait, a signature")
    parser.add_argument("--max_megabytes", type=int, default=64, help="largest request")
    options = parser.parse_args()
    if not tf.saved_model.contains_saved_model(str(options.folder)):
        parser.error(f"folder: {options.folder} holds no SavedModel.")
    if min(options.max_clips, options.max_megabytes) < 1 or options.max_waiting < options.max_clips:
        parser.error("max_clips and max_megabytes are 1 or more, max_waiting at least max_clips.")

    # Signatures work as long as the object they come from is referred to.
    served = tf.saved_model.load(str(options.folder))
    models = [
        SignatureModel(name, function, options.max_clips, options.max_waiting)
        for name, function in served.signatures.items()
        if name != "serving_default"
    ]
    set_limit(options.max_megabytes * 2**20)
    app = model_server.app
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(Unavailable, answer_busy)
    app.mount("/page", StaticFiles(directory=PAGE, html=True))
    server = ModelServer(enable_latency_logging=False)
    server.dataplane = StrictDataPlane(server.registered_models)
    server.model_repository_extension = FixedModels(server.registered_models)
    server.start(models)


def set_limit(size: int) -> None:
    """Refuses larger requests before they are read: HTTP's 413, gRPC's RESOURCE_EXHAUSTED."""
    model_server.app.max_body_size = size
    model_server.args.grpc_max_receive_message_length = size
    model_server.args.grpc_max_send_message_length = -1  # max_clips bounds answers


async def answer_invalid(_, error: RequestValidationError) -> JSONResponse:
    """Names the first thing that is wrong in a body of JSON."""
    found = [e for e in error.errors() if "bytes" not in e["loc"]] or error.errors()
    where = ".".join(str(part) for part in found[0]["loc"][1:] if part != "InferenceRequest")
    return JSONResponse({"error": f"{where or 'body'}: {found[0]['msg']}"}, 400)


async def answer_busy(_, error: Unavailable) -> JSONResponse:
    return JSONResponse({"error": error.details}, 503)


if __name__ == "__main__":
    main()
