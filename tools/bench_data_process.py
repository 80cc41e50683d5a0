"""One measurement of tools/bench_data.py, printed as JSON: TASK FOLDER SOURCE WAY OPTIONS."""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import av
import h5py
import numpy as np
from av.video.reformatter import VideoReformatter

from keras_videogpt.data import Clips, dataset, open_videos, write_mp4
from keras_videogpt.data.stream import stream


def prepare(folder: Path, options: dict) -> dict:
    """Writes the same videos as files and as HDF5."""
    size, count = options["size"], options["video_frames"]
    t, y, x = np.mgrid[:count, :size, :size]
    rng, videos = np.random.default_rng(0), []
    for index in range(options["videos"]):
        a, b, c = rng.uniform(0.05, 0.4, 3)
        planes = [np.sin(a * x + b * t + k) + np.cos(c * y - b * t + 2 * k) for k in range(3)]
        videos.append(np.round((np.stack(planes, axis=-1) + 2) * 63).astype("uint8"))
        (folder / "video").mkdir(exist_ok=True)
        write_mp4(folder / "video" / f"{index:05d}.mp4", videos[-1])
    with h5py.File(folder / "videos.hdf5", "w") as file:
        file["train_data"] = np.concatenate(videos)
        file["train_idx"] = np.arange(len(videos)) * count
    return {name: version(name) for name in ("av", "h5py", "keras", "tensorflow-cpu", "numpy")}


def make_clips(folder: Path, source: str, options: dict) -> Clips:
    path = folder / ("video" if source == "video" else "videos.hdf5")
    return Clips(open_videos(path, "train"), options["frames"], options["size"])


def batches(clips: Clips, way: str, options: dict, seed: int) -> Iterator[dict]:
    """Batches without end, as training gets them."""
    if way == "stream":
        return stream(clips, options["batch_size"], seed, workers=options["workers"])
    data = dataset(
        clips, options["batch_size"], True, seed, workers=options["workers"], pipeline=way
    )
    return itertools.chain.from_iterable(itertools.repeat(data))


def record_reads(clips: Clips) -> list[tuple[int, int, int]]:
    """A list that every read of a clip is added to: video, first frame, number of frames."""
    reads, frames = [], clips.store.frames

    def recording(video, start, count, stride):
        reads.append((video, start, count))
        return frames(video, start, count, stride)

    clips.store.frames = recording
    return reads


def plain_video(path: Path, start: int, count: int) -> np.ndarray:
    frames, reformatter = [], VideoReformatter()
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        for number, frame in enumerate(container.decode(video=0)):
            if number >= start:
                image = reformatter.reformat(frame, format="rgb24", threads=1)
                frames.append(image.to_ndarray())
            if len(frames) == count:
                return np.stack(frames)
    raise ValueError(f"{path} is too short")


def read_plain(folder: Path, source: str, clips: Clips, reads: list, batch_size: int) -> None:
    with h5py.File(folder / "videos.hdf5") as file:
        data = file["train_data"]
        length = len(data) // len(file["train_idx"])

        def read(video: int, start: int, count: int) -> np.ndarray:
            if source == "video":
                return plain_video(folder / "video" / clips.store.name(video), start, count)
            return data[video * length + start : video * length + start + count]

        for first in range(0, len(reads), batch_size):
            np.stack([read(*wanted) for wanted in reads[first : first + batch_size]])


def speed(folder: Path, source: str, way: str, options: dict) -> dict:
    """Frames per second of processor time, turn by turn; a first turn, of warming up, is left."""
    clips = make_clips(folder, source, options)
    reads, turns = record_reads(clips), []
    for turn in range(options["turns"] + 1):
        reads.clear()
        start = time.process_time()
        iterator = batches(clips, way, options, seed=turn)
        for batch in itertools.islice(iterator, options["batches"]):
            assert batch["video"].shape[1] == options["frames"]
        del iterator  # ends what is read ahead, which is within the time
        ours, read = time.process_time() - start, len(reads)
        start = time.process_time()
        read_plain(folder, source, clips, reads[:read], options["batch_size"])
        plain = time.process_time() - start
        frames = options["frames"]
        used = options["batches"] * options["batch_size"]
        turns.append({"ours": used * frames / ours, "plain": read * frames / plain})
    return {"turns": turns[1:]}


def memory(folder: Path, source: str, way: str, options: dict) -> dict:
    """Resident memory in MiB at ten places on the way through the clips."""
    clips, mib = make_clips(folder, source, options), []
    every = max(1, options["clips"] // options["batch_size"] // 10)
    iterator = batches(clips, way, options, seed=0)
    for number, _ in enumerate(itertools.islice(iterator, every * 10), 1):
        if number % every == 0:
            status = Path("/proc/self/status").read_text()
            mib.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return {"mib": mib}


if __name__ == "__main__":
    task, folder, source, way, options = sys.argv[1:]
    options, folder = json.loads(options), Path(folder)
    if task == "prepare":
        result = prepare(folder, options)
    else:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        result = {"speed": speed, "memory": memory}[task](folder, source, way, options)
    print(json.dumps(result))
