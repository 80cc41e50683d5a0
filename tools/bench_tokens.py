"""Measures training steps of a prior from stored tokens against encoding the videos of every batch.

Run it as `tools/bench_tokens`. Both train the same prior on the same clips, by `fit`:

  videos  uint8 clips in memory, encoded by the frozen tokenizer inside every step
  tokens  the codes of these clips, read from shards on disk

"step s" are seconds of a whole training step, "codes s" those of getting the codes of its batch
alone: reading and encoding it, or reading it from the shards. Clips in memory are the best case of
the videos: decoding files comes on top. What a tokenizer takes of a step depends on the prior above
it, so both ratios are given.

Every measurement is a process of its own, after a first step that compiles. The two take turns;
ratios are taken within a round of turns. All figures are medians of the rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmark import BACKENDS, json_file, machine

SOURCES = ("videos", "tokens")
FIGURES = ("step_seconds", "codes_seconds")
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def in_new_process(backend: str, source: str, args: argparse.Namespace) -> dict:
    """What bench_tokens_process.py prints."""
    names = ("preset", "layers", "attention", "precision", "batch", "steps")
    options = {name: getattr(args, name) for name in names}
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= ON_CPU if args.device == "cpu" else {}
    script = Path(__file__).with_name("bench_tokens_process.py")
    process = subprocess.run(
        [sys.executable, script, source, json.dumps(options)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        sys.exit(
            f"{process.stderr}\n{source} on {backend} ended with {process.returncode}; "
            "-9 is a lack of memory."
        )
    return json.loads(process.stdout.splitlines()[-1])


def summary(rounds: list[dict]) -> dict:
    """Medians of the rounds: of every figure, and of the ratios of videos to tokens."""
    return {
        "seconds": {
            source: {
                figure: statistics.median(one[source][figure] for one in rounds)
                for figure in FIGURES
            }
            for source in SOURCES
        },
        "ratios": {
            figure: statistics.median(
                one["videos"][figure] / one["tokens"][figure] for one in rounds
            )
            for figure in FIGURES
        },
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_tokens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--preset", default="paper", help="of both models; paper by default")
    parser.add_argument("--layers", type=int, help="of the prior; the preset's by default")
    parser.add_argument(
        "--attention",
        choices=("full", "sparse"),
        default="sparse",
        help="sparse by default: full takes a GiB a layer for the 8,192 codes of a clip",
    )
    parser.add_argument("--precision", default="float32", help="float32 by default")
    parser.add_argument("--batch", type=int, default=1, help="clips in a step; 1 by default")
    parser.add_argument("--steps", type=int, default=3, help="timed in a process; 3 by default")
    parser.add_argument("--rounds", type=int, default=3, help="3 by default")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="cpu by default")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if min(args.batch, args.steps, args.rounds) < 1:
        parser.error("--batch, --steps and --rounds must be at least 1")
    return args


def main() -> None:
    args = arguments()
    settings = {name: value for name, value in vars(args).items() if name != "json"}
    content = {"machine": machine(), "settings": settings, "versions": {}, "results": []}
    print("{processor}, {cores} cores, load {load}, Python {python}".format(**content["machine"]))
    print(f"{'backend':<12}{'source':<8}{'step s':>10}{'codes s':>10}", flush=True)
    for backend in args.backend:
        rounds = [
            {source: in_new_process(backend, source, args) for source in SOURCES}
            for _ in range(args.rounds)
        ]
        for one in rounds:
            for source in SOURCES:
                content["versions"] |= one[source].pop("versions")
        figures = summary(rounds)
        for source, one in figures["seconds"].items():
            print(f"{backend:<12}{source:<8}" + "".join(f"{one[f]:>10.4g}" for f in FIGURES))
        steps, codes = (figures["ratios"][figure] for figure in FIGURES)
        print(f"  tokens give {steps:.2f} times the steps, {codes:.0f} times the batches of codes")
        content["results"].append({"backend": backend, "medians": figures, "rounds": rounds})
    print(", ".join(f"{name} {version}" for name, version in content["versions"].items()))
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
