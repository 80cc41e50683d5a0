"""One measurement of bench_quantization.py, in a process of its own.

`bench_quantization_process.py MODEL DATA OPTIONS` prints the figures as JSON on its last line.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmark import process_memory

import keras_videogpt as kvg


def held_out(model, data: str, most: int | None) -> tuple[np.ndarray, dict]:
    """Videos and conditions of held-out clips."""
    frames, height, width, _ = model.tokenizer.video_shape
    videos = kvg.data.open_videos(data, "test")
    clips = kvg.data.Clips(videos, frames, (height, width), start="all")
    clips = [clips[index] for index in range(min(len(clips), most or len(clips)))]
    conditions = {}
    if model.num_classes:
        conditions["labels"] = np.stack([clip["label"] for clip in clips])
    if model.action_shape:
        conditions["actions"] = np.stack([clip["actions"] for clip in clips])
    return np.stack([clip["video"] for clip in clips]), conditions


def file_bytes(model) -> int:
    """Bytes of the model's file without an optimizer."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        copy.save(Path(folder) / "model.keras")
        return (Path(folder) / "model.keras").stat().st_size


def weight_bytes(layer) -> int:
    return sum(weight.nbytes for weight in layer.get_weights())


def main(path: str, data: str, options: dict) -> None:
    model = kvg.load(path)
    if options["weights"] == "int8":
        model.quantize("int8")
    videos, conditions = held_out(model, data, options["clips"])
    count = options["samples"]
    given = {
        name: np.resize(array, (count, *array.shape[1:])) for name, array in conditions.items()
    }
    if model.frame_cond:
        given["frames"] = np.resize(videos, (count, *videos.shape[1:]))[:, : model.frame_cond]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        kvg.sample(model, count, seed=0, progress=False, **given)
        seconds.append(time.perf_counter() - start)
    figures = {
        "peak_mib": process_memory("VmHWM"),
        "first_seconds": seconds[0],
        "codes_per_second": count * model.length / min(seconds[1:]),
        "bits_per_code": float(model.bits_per_dim(videos, **conditions).mean()),
        "clips": len(videos),
        "file_megabytes": file_bytes(model) / 1e6,
        "prior_megabytes": (weight_bytes(model) - weight_bytes(model.tokenizer)) / 1e6,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
