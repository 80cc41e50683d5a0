"""Asks a server for clips, or for its reconstruction of a video, over HTTP or gRPC.

python client.py sample -n 4 --temperature 1 --seed 0 --out samples.gif
python client.py reconstruct VIDEO.gif --out reconstructed.gif --grpc --url localhost:8081
"""

import argparse
import importlib
import sys

import numpy as np
from PIL import Image, ImageSequence
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, triton_to_np_dtype


class Client:
    """Calls the models of a server of the Open Inference Protocol with arrays.

    Args:
        url: host and port.
        grpc: whether to talk gRPC, else HTTP.
        timeout: seconds that an answer may take.

    Example:
        clips = Client("localhost:8080")("sample", n=4, seed=0, temperature=1.0)["video"]
    """

    def __init__(self, url: str, grpc: bool = False, timeout: float = 600.0):
        self.protocol = importlib.import_module(f"tritonclient.{'grpc' if grpc else 'http'}")
        options = {} if grpc else {"network_timeout": timeout}
        self.server = self.protocol.InferenceServerClient(url, **options)
        self.options = {"client_timeout": timeout} if grpc else {}
        self.as_dict = {"as_json": True} if grpc else {}

    def metadata(self, model: str) -> dict:
        """Names, datatypes and shapes of a model's inputs and outputs."""
        return self.server.get_model_metadata(model, **self.as_dict)

    def __call__(self, model: str, **arrays) -> dict[str, np.ndarray]:
        """The outputs of a model by name; what Python has no type for is made the model's."""
        described = self.metadata(model)["inputs"]
        dtypes = {tensor["name"]: triton_to_np_dtype(tensor["datatype"]) for tensor in described}
        inputs = [
            self.tensor(name, np.asarray(value, getattr(value, "dtype", dtypes.get(name))))
            for name, value in arrays.items()
        ]
        return self.infer(model, inputs)

    def tensor(self, name: str, array: np.ndarray):
        """An input to `infer`."""
        tensor = self.protocol.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        return tensor.set_data_from_numpy(array)

    def infer(self, model: str, inputs: list) -> dict[str, np.ndarray]:
        """The outputs of a model by name."""
        answer = self.server.infer(model, inputs, **self.options)
        response = answer.get_response(**self.as_dict)
        return {output["name"]: answer.as_numpy(output["name"]) for output in response["outputs"]}


def read_clip(path: str, frames: int, height: int, width: int) -> np.ndarray:
    """The first frames of an animated picture: uint8 `(1, frames, height, width, 3)`."""
    with Image.open(path) as picture:
        found = [
            np.asarray(frame.convert("RGB").resize((width, height), Image.Resampling.BOX))
            for frame in ImageSequence.Iterator(picture)
        ]
    if len(found) < frames:
        raise ValueError(f"{path} has {len(found)} frames; the model takes {frames}.")
    return np.stack(found[:frames])[None]


def write_clips(path: str, clips: np.ndarray) -> None:
    """Clips beside each other as a GIF, uint8 `(n, T, H, W, C)`."""
    rows = np.concatenate(list(clips), axis=2)
    pictures = [Image.fromarray(frame.squeeze()) for frame in rows]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, loop=0)


def sample(client: Client, options) -> np.ndarray:
    conditions = {} if options.label is None else {"labels": [options.label] * options.n}
    controls = {"n": options.n, "seed": options.seed, "temperature": options.temperature}
    return client("sample", **controls, **conditions)["video"]


def reconstruct(client: Client, options) -> np.ndarray:
    (described,) = client.metadata("reconstruct")["inputs"]
    video = read_clip(options.video, *[int(size) for size in described["shape"][1:4]])
    found = client("reconstruct", video=video)["video"]
    found = np.round((np.clip(found, -0.5, 0.5) + 0.5) * 255).astype("uint8")
    return np.concatenate([video, found])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    sampling = commands.add_parser("sample", help="clips of a prior")
    sampling.add_argument("-n", type=int, default=4)
    sampling.add_argument("--temperature", type=float, default=1.0)
    sampling.add_argument("--seed", type=int, default=0)
    sampling.add_argument("--label", type=int, help="of all clips, if the prior takes labels")
    sampling.set_defaults(run=sample)
    reconstruction = commands.add_parser("reconstruct", help="a video beside its reconstruction")
    reconstruction.add_argument("video", help="an animated GIF, WebP or PNG")
    reconstruction.set_defaults(run=reconstruct)
    for command in (sampling, reconstruction):
        command.add_argument("--out", required=True, help="a GIF to write")
        command.add_argument("--url", default="localhost:8080", help="host and port of the server")
        command.add_argument("--grpc", action="store_true", help="the port is gRPC's, as 8081")
    options = parser.parse_args()
    try:
        clips = options.run(Client(options.url, options.grpc), options)
        write_clips(options.out, clips)
    except (InferenceServerException, OSError, ValueError) as error:
        sys.exit(f"client.py: {error}")
    count = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
    print(f"Wrote {count} of {clips.shape[1]} frames to {options.out}")


if __name__ == "__main__":
    main()
