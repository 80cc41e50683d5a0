"""The plain side of tools/bench_data.py: FOLDER SOURCE FRAMES BATCH_SIZE.

Reads lists of places, one list a line, as JSON, and prints how many seconds of processor time their
reading took. It has neither Keras nor our package in its process.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import h5py
import numpy as np
from av.video.reformatter import VideoReformatter


def read_video(path: Path, start: int, out: np.ndarray) -> None:
    reformatter = VideoReformatter()
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        for number, frame in enumerate(container.decode(video=0)):
            if number >= start:
                image = reformatter.reformat(frame, format="rgb24", threads=1)
                out[number - start] = image.to_ndarray()
            if number == start + len(out) - 1:
                return


def video_batches(folder: Path, frames: int, size: int, places: list) -> Iterator[np.ndarray]:
    videos = sorted((folder / "video").glob("*.mp4"))
    with av.open(str(videos[0])) as container:
        stream = container.streams.video[0]
        shape = (size, frames, stream.height, stream.width, 3)
    for first in range(0, len(places), size):
        batch = np.empty(shape, "uint8")
        for row, (index, start) in enumerate(places[first : first + size]):
            read_video(videos[index], start, batch[row])
        yield batch


def hdf5_batches(folder: Path, frames: int, size: int, places: list) -> Iterator[np.ndarray]:
    with h5py.File(folder / "videos.hdf5") as file:
        data, starts = file["train_data"], file["train_idx"][:].tolist()
        for first in range(0, len(places), size):
            batch = np.empty((size, frames, *data.shape[1:]), "uint8")
            for row, (index, start) in enumerate(places[first : first + size]):
                start += starts[index]
                batch[row] = data[start : start + frames]
            yield batch


def tokens_batches(folder: Path, frames: int, size: int, places: list) -> Iterator[np.ndarray]:
    with h5py.File(folder / "tokens.hdf5") as file:
        codes = file["codes"]
        for first in range(0, len(places), size):
            batch = np.empty((size, *codes.shape[1:]), "int32")
            for row, (index, _) in enumerate(places[first : first + size]):
                batch[row] = codes[index]
            yield batch


BATCHES = {"video": video_batches, "hdf5": hdf5_batches, "tokens": tokens_batches}


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder, source, frames, size = sys.argv[1:]
    for line in sys.stdin:
        places = json.loads(line)
        begin = time.process_time()
        for _batch in BATCHES[source](Path(folder), int(frames), int(size), places):
            pass
        print(time.process_time() - begin, flush=True)
