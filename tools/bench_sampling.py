"""Measures sampling from the original's prior, and other programs that do the same, on CPU.

Run it as `tools/bench_sampling`. The prior is 576 wide, with 8 layers, 4 heads, 1,024 codes and
random weights. What is timed is `sample_codes`, which draws the codes; decoding them to video is
left out. A measurement is a process of its own:

  first s   seconds of the first call, with the compilation
  later s   seconds of a later call: the median of some, with the figures that follow from it
  MB/step   the least a step reads: the weights once, and the keys and values that its position
            attends to, in the mean over all positions
  memory %  that, by the time of a step, as a share of the memory's speed: of what copying 512 MiB
            with NumPy reads and writes, one thread a core, in the best of five, just before
  peak MiB  the process's VmHWM (largest resident memory ever), the framework included
  peak %    what of it came with sampling, and the weights, as a share of weights and cache

`--part N` times every N-th of the runs of up to 32 codes that sampling is made of, on a cache that
is otherwise zero, and reports figures as of all runs.

`--against` names a program that prints `codes per second: X`. It is run in turn with ours, on the
same cores; the ratio is taken within a round, so that what else the machine does slows both sides.
All figures are medians of the rounds. Still, run it on an idle machine: with a core busy elsewhere,
threads that wait for each other are several times slower.
"""

import argparse
import itertools
import json
import math
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from benchmark import BACKENDS, ON_CPU, json_file, machine, medians, output_of, printed_figure

TOOLS = Path(__file__).parent
PROGRAMS = {
    "original": str(TOOLS / "original_loop.py"),
    "transformers": str(TOOLS / "transformers_generate.py"),
}
FIGURES = {
    "first_seconds": "first s",
    "seconds": "later s",
    "codes_per_second": "codes/s",
    "videos_per_second": "videos/s",
    "milliseconds_per_step": "ms/step",
    "megabytes_per_step": "MB/step",
    "memory_percent": "memory %",
    "peak_mib": "peak MiB",
    "peak_percent": "peak %",
}
MOST_CODES_IN_FULL = 1024  # by default; of more, a part is timed
DEFAULT_PART = 8


def memory_speed() -> float:
    """Bytes per second that copying reads and writes, with a thread for every core."""
    source = np.ones(512 * 2**20, "uint8")
    target = np.zeros_like(source)
    cores = len(os.sched_getaffinity(0))
    pairs = list(zip(np.array_split(target, cores), np.array_split(source, cores), strict=True))
    seconds = []
    with ThreadPoolExecutor(cores) as threads:
        for _ in range(5):
            start = time.perf_counter()
            list(threads.map(lambda pair: np.copyto(*pair), pairs))
            seconds.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(seconds)


def measure_ours(backend: str, batch: int, dtype: str, args: argparse.Namespace) -> dict:
    """What bench_sampling_process.py prints, and the memory's speed."""
    speed = memory_speed()
    script = str(TOOLS / "bench_sampling_process.py")
    settings = [args.codes, args.attention, str(batch), dtype, str(args.part)]
    printed = output_of([sys.executable, script, *settings], KERAS_BACKEND=backend, **ON_CPU)
    figures = json.loads(printed.splitlines()[-1])
    moved = figures.pop("bytes_per_step")
    read = moved / figures["milliseconds_per_step"] * 1000
    return figures | {
        "megabytes_per_step": moved / 1e6,
        "memory_percent": 100 * read / speed,
        "memory_gigabytes_per_second": speed / 1e9,
        "load": round(os.getloadavg()[0], 1),
    }


def measure_other(program: str, batch: int, dtype: str, args: argparse.Namespace) -> dict:
    """Codes per second of another program, and what else it says."""
    options = ["--codes", args.codes, "--batch", str(batch), "--attention", args.attention]
    if dtype != "float32":
        options += ["--dtype", dtype]
    program = PROGRAMS.get(program, program)
    speed, printed = printed_figure(program, options, "codes per second", **ON_CPU)
    return {"codes_per_second": speed, "printed": printed}


def measure_round(backend: str, batch: int, dtype: str, args: argparse.Namespace) -> dict:
    """Figures of ours and of every other program, in turn."""
    ours = measure_ours(backend, batch, dtype, args)
    others = {}
    for name in args.against:
        others[name] = measure_other(name, batch, dtype, args)
        others[name]["ratio"] = ours["codes_per_second"] / others[name]["codes_per_second"]
    return {"ours": ours, "others": others}


def print_summary(backend: str, batch: int, dtype: str, figures: dict) -> None:
    cells = "".join(f"{value:>10.4g}" for value in figures["ours"].values())
    print(f"{backend:<12}{dtype:<10}{batch:>5}{cells}", flush=True)
    for name, one in figures["others"].items():
        print(
            f"  {one['ratio']:.2f} times the {one['codes_per_second']:.4g} codes/s of {name}",
            flush=True,
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_sampling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument(
        "--codes", default="4x16x16", metavar="TxHxW", help="shape of the codes; 4x16x16 by default"
    )
    parser.add_argument("--attention", choices=("full", "sparse"), default="full")
    parser.add_argument(
        "--batch", nargs="+", type=int, default=[1, 8], help="clips at once; 1 and 8 by default"
    )
    parser.add_argument(
        "--dtype", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"]
    )
    parser.add_argument("--rounds", type=int, default=3, help="3 by default")
    parser.add_argument(
        "--part",
        type=int,
        metavar="N",
        help=f"time every N-th run; by default 1, and {DEFAULT_PART} for more than "
        f"{MOST_CODES_IN_FULL} codes",
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="PROGRAM",
        help="original, transformers, or a command, quoted where it has options of its own; it "
        "gets --codes, --batch and --attention, and --dtype for other dtypes than float32",
    )
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*x[1-9]\d*", args.codes):
        parser.error(f"--codes must be three sizes such as 4x16x16; got {args.codes}")
    length = math.prod(int(size) for size in args.codes.split("x"))
    if args.part is None:
        args.part = 1 if length <= MOST_CODES_IN_FULL else DEFAULT_PART
    if args.rounds < 1 or args.part < 1 or min(args.batch) < 1:
        parser.error("--batch, --rounds and --part must be at least 1")
    return args


def main() -> None:
    args = arguments()
    settings = {"codes": args.codes, "attention": args.attention, "part": args.part}
    here = machine() | {"memory_gigabytes_per_second": round(memory_speed() / 1e9, 1)}
    content = {"machine": here, "settings": settings, "versions": {}, "results": []}
    print(
        "{processor}, {cores} cores, load {load}, Python {python}, memory "
        "{memory_gigabytes_per_second} GB/s".format(**here)
    )
    part = "" if args.part == 1 else f", every {args.part}th run timed"
    print(f"{args.codes} codes, {args.attention} attention, median of {args.rounds}{part}")
    header = "".join(f"{title:>10}" for title in FIGURES.values())
    print(f"{'backend':<12}{'dtype':<10}{'batch':>5}{header}", flush=True)
    for backend, dtype, batch in itertools.product(args.backend, args.dtype, args.batch):
        rounds = [measure_round(backend, batch, dtype, args) for _ in range(args.rounds)]
        for one in rounds:
            content["versions"] |= one["ours"].pop("versions")
        figures = medians(rounds, FIGURES, ("codes_per_second", "ratio"))
        print_summary(backend, batch, dtype, figures)
        content["results"].append(
            {"backend": backend, "dtype": dtype, "batch": batch}
            | {"medians": figures, "rounds": rounds}
        )
    print(", ".join(f"{name} {version}" for name, version in content["versions"].items()))
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
