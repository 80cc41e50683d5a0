"""Measures how fast data reaches the training loop, beside the plain libraries, on one core.

Run it as `tools/bench_data`. Videos of smooth motion are written as H.264 MP4 files and as an HDF5
file of the original's format, and their clips as stored tokens. Random clips are read twice:

  ours    as batches out of what training iterates over, shuffled, with threads that read ahead:
          `stream` (the training commands), and `dataset` on tf.data and as a PyDataset
  plain   the same clips by a loop without threads, which knows the places beforehand, takes a new
          array for each batch as trainers need it, and reads clip after clip into it: by PyAV,
          decoding from the start of the file with one thread and one converter a clip; by h5py,
          slices of the open file; for tokens, the same codes as int16 rows of an HDF5 file, by h5py

The plain loop is a process without Keras and TensorFlow, since TensorFlow's presence makes fresh
memory several times slower there. Both are bound to one core, and seconds are those that the core
works for a process, all its threads together. Plain and ours take turns; a ratio is taken within a
turn. Figures are medians of the turns. A ratio of 1 means that shuffling, drawing, reading ahead
and handing over cost nothing.

Memory is the resident memory (VmRSS) of a process that reads --clips clips: after the first tenth
of them, and after all.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmark import json_file, machine

SOURCES = ("video", "hdf5", "tokens")
WAYS = ("stream", "tf.data", "pydataset")


def in_new_process(task: str, folder: str, source: str, way: str, args: argparse.Namespace) -> dict:
    """What bench_data_process.py prints."""
    script = Path(__file__).with_name("bench_data_process.py")
    options = {name: getattr(args, name) for name in vars(args) if name != "json"}
    process = subprocess.run(
        [sys.executable, script, task, folder, source, way, json.dumps(options)],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        sys.exit(f"{process.stderr}\n{task} of {source} ended with {process.returncode}.")
    return json.loads(process.stdout.splitlines()[-1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_data",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    numbers = {
        "videos": (400, "videos to read from"),
        "video_frames": (100, "frames of a video"),
        "frames": (16, "frames of a clip"),
        "size": (64, "height and width in pixels"),
        "batch_size": (8, "clips of a batch"),
        "workers": (4, "reading threads"),
        "batches": (50, "batches of a turn from videos, a tenth of those from the others"),
        "turns": (7, "turns of each process"),
        "clips": (10_000, "clips of the measurement of memory; 0 for none"),
    }
    for name, (default, meaning) in numbers.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=default, help=f"{meaning}; {default}")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if any(getattr(args, name) < (name != "clips") for name in numbers):
        parser.error("all numbers must be at least 1")
    return args


def main() -> None:
    args = arguments()
    content = {"machine": machine(), "settings": vars(args) | {"json": None}, "results": []}
    print("{processor}, {cores} cores, load {load}, Python {python}".format(**content["machine"]))
    with tempfile.TemporaryDirectory() as folder:
        versions = in_new_process("prepare", folder, "", "", args)
        heads = ("source", "way", "ours", "plain", "ratio", "MiB 1/10", "MiB all")
        print("{:<8}{:<12}{:>10}{:>10}{:>8}{:>10}{:>10}".format(*heads), flush=True)
        for source in args.sources:
            for way in args.ways:
                turns = in_new_process("speed", folder, source, way, args)["turns"]
                ratio = statistics.median(turn["ours"] / turn["plain"] for turn in turns)
                ours, plain = (
                    statistics.median(turn[side] for turn in turns) for side in ("ours", "plain")
                )
                one = {"source": source, "way": way, "ratio": ratio, "turns": turns}
                line = f"{source:<8}{way:<12}{ours:>10.0f}{plain:>10.0f}{ratio:>8.2f}"
                if args.clips:
                    one["mib"] = in_new_process("memory", folder, source, way, args)["mib"]
                    line += f"{one['mib'][0]:>10.1f}{one['mib'][-1]:>10.1f}"
                print(line, flush=True)
                content["results"].append(one)
    print("ours and plain: frames per second on one core")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    if args.json:
        args.json.write_text(json.dumps(content | {"versions": versions}, indent=2) + "\n")


if __name__ == "__main__":
    main()
