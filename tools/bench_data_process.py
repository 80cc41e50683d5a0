"""One measurement of tools/bench_data.py, printed as JSON: TASK FOLDER SOURCE WAY OPTIONS."""

import functools
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import h5py
import keras
import numpy as np

from keras_videogpt import VQVAE
from keras_videogpt.data import Clips, dataset, open_videos, write_mp4
from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.stream import stream
from keras_videogpt.tokens import StoredTokens, store_tokens


def prepare(folder: Path, options: dict) -> dict:
    """Writes the same videos as files and as HDF5, and their clips as tokens, also as HDF5."""
    size, count = options["size"], options["video_frames"]
    t, y, x = np.mgrid[:count, :size, :size]
    rng, videos = np.random.default_rng(0), []
    (folder / "video").mkdir()
    for index in range(options["videos"]):
        a, b, c = rng.uniform(0.05, 0.4, 3)
        planes = [np.sin(a * x + b * t + k) + np.cos(c * y - b * t + 2 * k) for k in range(3)]
        videos.append(np.round((np.stack(planes, axis=-1) + 2) * 63).astype("uint8"))
        write_mp4(folder / "video" / f"{index:05d}.mp4", videos[-1])
    with h5py.File(folder / "videos.hdf5", "w") as file:
        file["train_data"] = np.concatenate(videos)
        file["train_idx"] = np.arange(len(videos)) * count
    clips = Clips(open_videos(folder / "videos.hdf5"), options["frames"], options["size"])
    if "tokens" in options["sources"]:
        store_tokens(folder / "tokens", tokenizer(options), {"train": clips}, progress=False)
        tokens = StoredTokens(folder / "tokens", tokenizer(options))
        with h5py.File(folder / "tokens.hdf5", "w") as file:
            file["codes"] = [item["codes"].astype("int16") for item in tokens]
    return {name: version(name) for name in ("av", "h5py", "keras", "tensorflow-cpu", "numpy")}


def tokenizer(options: dict) -> VQVAE:
    """A narrow tokenizer that makes as many codes of a clip as that of the paper."""
    keras.utils.set_random_seed(0)
    shape = (options["frames"], options["size"], options["size"], 3)
    return VQVAE(video_shape=shape, num_codes=1024, code_dim=8, hidden_units=8, downsample=(4,) * 3)


def make_clips(folder: Path, source: str, options: dict) -> tuple[ClipSource, list]:
    """The clips, and a list that every read of one is added to: its video and first frame."""
    reads: list[tuple[int, int]] = []

    def recorded(read: Callable) -> Callable:
        @functools.wraps(read)
        def recording(index, start, *args, **kwargs):
            reads.append((index, start))
            return read(index, start, *args, **kwargs)

        return recording

    if source == "tokens":
        tokens = StoredTokens(folder / "tokens", tokenizer(options))
        read = tokens.get_batch
        tokens.get_batch = lambda places: reads.extend(places) or read(places)
        return tokens, reads
    store = open_videos(folder / ("video" if source == "video" else "videos.hdf5"), "train")
    store.frames = recorded(store.frames)
    return Clips(store, options["frames"], options["size"]), reads


def batches(clips: ClipSource, way: str, options: dict, seed: int) -> Iterator[dict]:
    """Batches without end, as training gets them."""
    if way == "stream":
        return stream(clips, options["batch_size"], seed, workers=options["workers"])
    data = dataset(
        clips, options["batch_size"], True, seed, workers=options["workers"], pipeline=way
    )
    return itertools.chain.from_iterable(itertools.repeat(data))


def speed(folder: Path, source: str, way: str, options: dict) -> dict:
    """Frames per second of processor time, turn by turn; a first turn, of warming up, is left."""
    (clips, reads), turns = make_clips(folder, source, options), []
    frames, size = options["frames"], options["batch_size"]
    script = Path(__file__).with_name("bench_data_plain.py")
    plain = subprocess.Popen(
        [sys.executable, script, folder, source, str(frames), str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with plain:
        for turn in range(options["turns"] + 1):
            reads.clear()
            start = time.process_time()
            iterator = batches(clips, way, options, seed=turn)
            count = options["batches"] * (1 if source == "video" else 10)
            for batch in itertools.islice(iterator, count):
                assert len(batch) == 1
            del batch, iterator  # ends what is read ahead, which counts
            seconds = time.process_time() - start
            ours = len(reads) * frames / seconds
            places = file_places(clips, source, reads)[: len(reads) // size * size]
            print(json.dumps(places), file=plain.stdin, flush=True)
            seconds = float(plain.stdout.readline())
            turns.append({"ours": ours, "plain": len(places) * frames / seconds})
        plain.stdin.close()
    return {"turns": turns[1:]}


def file_places(clips: ClipSource, source: str, reads: list) -> list:
    """The reads with the place of a video among all files, of which some are held out."""
    if source != "video":
        return reads
    return [(int(Path(clips.store.name(video)).stem), start) for video, start in reads]


def memory(folder: Path, source: str, way: str, options: dict) -> dict:
    """Resident memory in MiB after each tenth of the clips."""
    (clips, reads), mib = make_clips(folder, source, options), []
    every = max(1, options["clips"] // options["batch_size"] // 10)
    iterator = batches(clips, way, options, seed=0)
    for number, _ in enumerate(itertools.islice(iterator, every * 10), 1):
        reads.clear()
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
