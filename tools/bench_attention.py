"""Measures strided-sparse attention against what it replaces, forward and backward, on CPU.

Run it as `tools/bench_attention`. One example, 4 heads of 144 channels as in the original's prior,
float32, and the gradient of the sum of squares of the output by query, key and value:

  sparse  block_sparse_attention under the strided layout of the codes
  dense   the same numbers by softmax over all positions, masked by that layout
  full    causal_attention, without the layout: what attention="full" runs

As in training, TensorFlow and JAX are compiled by XLA, and PyTorch is not compiled.

Every measurement is a process of its own. "seconds" is the median of its runs after a first one;
"peak MiB" is how far the process grew: its VmHWM (largest resident memory ever) at the end, less
its VmRSS before the first run. What compiling and loading kernels take is in it. The variants take
turns; ratios are taken within a round of turns, so that what else the machine does slows both
sides. All figures are medians of the rounds. Still, run it on an idle machine: with a core busy
elsewhere, threads waiting for each other make PyTorch's sparse attention several times slower.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmark import BACKENDS, json_file, machine

VARIANTS = ("sparse", "dense", "full")
FIGURES = ("seconds", "peak_mib")
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}


def in_new_process(backend: str, task: str, codes: str, runs: int = 1) -> dict:
    """What bench_attention_process.py prints."""
    script = Path(__file__).with_name("bench_attention_process.py")
    process = subprocess.run(
        [sys.executable, script, task, codes, str(runs)],
        env=os.environ | ON_CPU | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        sys.exit(
            f"{process.stderr}\n{task} of {codes} on {backend} ended with "
            f"{process.returncode}; -9 is a lack of memory."
        )
    return json.loads(process.stdout.splitlines()[-1])


def measure_rounds(backend: str, codes: str, args: argparse.Namespace) -> list[dict]:
    """Figures of every variant, round by round; at least one round."""
    start = time.monotonic()
    rounds = []
    while len(rounds) < args.rounds and (not rounds or time.monotonic() - start < args.seconds):
        rounds.append(
            {variant: in_new_process(backend, variant, codes, args.runs) for variant in VARIANTS}
        )
    return rounds


def summary(rounds: list[dict]) -> dict:
    """Medians of the rounds: of every figure, and of its ratio to the one of sparse attention."""
    return {
        variant: {
            **{
                figure: statistics.median(one[variant][figure] for one in rounds)
                for figure in FIGURES
            },
            **{
                f"{figure}_by_sparse": statistics.median(
                    one[variant][figure] / one["sparse"][figure] for one in rounds
                )
                for figure in FIGURES
            },
        }
        for variant in VARIANTS
    }


def in_words(ratio: float, above: str, below: str) -> str:
    return f"{ratio:.1f} times {above}" if ratio >= 1 else f"{1 / ratio:.1f} times {below}"


def print_summary(backend: str, codes: str, figures: dict) -> None:
    for variant, one in figures.items():
        print(
            f"{backend:<12}{codes:<10}{variant:<8}{one['seconds']:8.3f}{one['peak_mib']:10.0f}",
            flush=True,
        )
    for variant in VARIANTS[1:]:
        faster = in_words(figures[variant]["seconds_by_sparse"], "faster", "slower")
        less = in_words(figures[variant]["peak_mib_by_sparse"], "less", "more")
        print(f"  sparse is {faster} than {variant}, takes {less} memory", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_attention",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument(
        "--codes",
        nargs="+",
        default=["4x32x32", "8x32x32"],
        metavar="TxHxW",
        help="shapes of the codes; 4x32x32 and 8x32x32 by default",
    )
    parser.add_argument("--runs", type=int, default=5, help="at most, in a process; 5 by default")
    parser.add_argument("--rounds", type=int, default=3, help="at most; 3 by default")
    parser.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        help="after which no further round of a backend and shape begins; 30 by default",
    )
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if args.runs < 1 or args.rounds < 1:
        parser.error("--runs and --rounds must be at least 1")
    return args


def main() -> None:
    args = arguments()
    content = {"machine": machine(), "versions": {}, "differences": {}, "results": []}
    print("{processor}, {cores} cores, load {load}, Python {python}".format(**content["machine"]))
    print(f"{'backend':<12}{'codes':<10}{'variant':<8}{'seconds':>8}{'peak MiB':>10}", flush=True)
    for backend in args.backend:
        differences = in_new_process(backend, "compare", args.codes[0])
        content["versions"] |= differences.pop("versions")
        content["differences"][backend] = differences
        print(
            f"{backend}: sparse and dense differ by at most {differences['output']:.1e} in the "
            f"output, {differences['gradients']:.1e} in the gradients",
            flush=True,
        )
        for codes in args.codes:
            rounds = measure_rounds(backend, codes, args)
            figures = summary(rounds)
            print_summary(backend, codes, figures)
            content["results"].append(
                {"backend": backend, "codes": codes, "medians": figures, "rounds": rounds}
            )
    print(", ".join(f"{name} {version}" for name, version in content["versions"].items()))
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
