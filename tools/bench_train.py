"""Measures training steps of both stages, and of other programs that do the same.

Run it as `tools/bench_train`. By default it takes two clips of 16x64x64 with the tokenizer of the
preset `paper_ucf101` (4x2x2 times smaller codes), and two of 4x16x16 codes with the prior of the
preset `original` (576 wide, 8 layers); data is noise that lies in memory, and the prior gets codes.
A measurement is a process of its own, which trains with `fit` as all training does:

  first s   seconds of the first step, with the compilation
  step s    seconds of a later step: of some, divided by their number
  steps/s   its inverse
  units/s   frames (vqvae) or codes (prior) per second
  TFLOP/s   what the formulas of the model need of matrix products and convolutions, by that time
  MFU %     that as a share of the speed of a large matrix product, timed in the same process in the
            dtype that the step computes in; --peak-tflops is taken in its place
  peak MiB  on CPUs the process's VmHWM (largest resident memory ever), the framework included; on a
            GPU what the framework says it took there

`--against` names a program that prints `seconds per step: X`. It is run in turn with ours, on the
same device; the ratio is taken within a round, so that what else the machine does slows both sides.
All figures are medians of the rounds. Still, run it on an idle machine.
"""

import argparse
import itertools
import json
import os
import re
import sys
from pathlib import Path

from benchmark import BACKENDS, ON_CPU, json_file, machine, medians, output_of, printed_figure

TOOLS = Path(__file__).parent
PROGRAMS = {"original": str(TOOLS / "original_training.py")}
PRESETS = {"vqvae": "paper_ucf101", "prior": "original"}
SHAPES = {"vqvae": "16x64x64", "prior": "4x16x16"}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FIGURES = {
    "first_seconds": "first s",
    "seconds": "step s",
    "steps_per_second": "steps/s",
    "units_per_second": "units/s",
    "tflops": "TFLOP/s",
    "mfu_percent": "MFU %",
    "peak_mib": "peak MiB",
}


def measure_ours(backend: str, stage: str, precision: str, args: argparse.Namespace) -> dict:
    """What bench_train_process.py prints, and the share of the device's speed."""
    options = {
        "stage": stage,
        "preset": args.preset or PRESETS[stage],
        "shape": [int(size) for size in (args.shape or SHAPES[stage]).split("x")],
        "batch": args.batch,
        "precision": precision,
        "steps": args.steps,
        "remat": args.remat,
    }
    script = str(TOOLS / "bench_train_process.py")
    printed = output_of(
        [sys.executable, script, json.dumps(options)],
        KERAS_BACKEND=backend,
        **(ON_CPU if args.device == "cpu" else {}),
    )
    figures = json.loads(printed.splitlines()[-1])
    if figures["device"] != args.device:
        sys.exit(f"{backend} computes on {figures['device']}, not on --device {args.device}.")
    peak = args.peak_tflops or figures["matrix_tflops"]
    load = round(os.getloadavg()[0], 1)
    return figures | {"mfu_percent": 100 * figures["tflops"] / peak, "load": load}


def measure_other(program: str, stage: str, precision: str, args: argparse.Namespace) -> dict:
    """Seconds per step of another program, and what else it says."""
    options = ["--stage", stage, "--shape", args.shape or SHAPES[stage]]
    options += ["--batch", str(args.batch), "--device", args.device]
    if "--precision" not in program:
        options += ["--precision", precision]
    environment = ON_CPU if args.device == "cpu" else {}
    program = PROGRAMS.get(program, program)
    seconds, printed = printed_figure(program, options, "seconds per step", **environment)
    return {"seconds": seconds, "printed": printed}


def measure_round(backend: str, stage: str, precision: str, args: argparse.Namespace) -> dict:
    """Figures of ours and of every other program, in turn."""
    ours = measure_ours(backend, stage, precision, args)
    others = {}
    for name in args.against:
        others[name] = measure_other(name, stage, precision, args)
        others[name]["ratio"] = others[name]["seconds"] / ours["seconds"]
    return {"ours": ours, "others": others}


def print_summary(stage: str, backend: str, precision: str, figures: dict) -> None:
    cells = "".join(f"{value:>10.4g}" for value in figures["ours"].values())
    print(f"{stage:<7}{backend:<12}{precision:<16}{cells}", flush=True)
    for name, one in figures["others"].items():
        print(
            f"  {one['ratio']:.2f} times as fast as the {one['seconds']:.4g} s of {name}",
            flush=True,
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--stage", nargs="+", choices=tuple(PRESETS), default=tuple(PRESETS))
    parser.add_argument("--preset", help="of one --stage; paper_ucf101 and original by default")
    parser.add_argument(
        "--shape", metavar="TxHxW", help="of one --stage: of a clip, or of the prior's codes"
    )
    parser.add_argument("--batch", type=int, default=2, help="clips at once; 2 by default")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["float32"])
    parser.add_argument("--remat", action="store_true", help="with gradient checkpointing")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--peak-tflops", type=float, metavar="X", help="of the device")
    parser.add_argument("--steps", type=int, default=3, help="timed in a process; 3 by default")
    parser.add_argument("--rounds", type=int, default=3, help="3 by default")
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="PROGRAM",
        help="original, or a command, quoted where it has options of its own; it gets --stage, "
        "--shape, --batch, --device, and --precision unless it has one",
    )
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if (args.preset or args.shape) and len(args.stage) > 1:
        parser.error("--preset and --shape need one --stage")
    if args.shape and not re.fullmatch(r"[1-9]\d*x[1-9]\d*x[1-9]\d*", args.shape):
        parser.error(f"--shape must be three sizes such as 4x16x16; got {args.shape}")
    if min(args.batch, args.steps, args.rounds) < 1:
        parser.error("--batch, --steps and --rounds must be at least 1")
    return args


def main() -> None:
    args = arguments()
    used = {name: value for name, value in vars(args).items() if name != "json"}
    content = {"machine": machine(), "settings": used, "versions": {}, "results": []}
    print("{processor}, {cores} cores, load {load}, Python {python}".format(**content["machine"]))
    print(f"batch of {args.batch}, on {args.device}, median of {args.rounds}")
    header = "".join(f"{title:>10}" for title in FIGURES.values())
    print(f"{'stage':<7}{'backend':<12}{'precision':<16}{header}", flush=True)
    for stage, backend, precision in itertools.product(args.stage, args.backend, args.precision):
        rounds = [measure_round(backend, stage, precision, args) for _ in range(args.rounds)]
        for one in rounds:
            content["versions"] |= one["ours"].pop("versions")
        figures = medians(rounds, FIGURES, ("seconds", "ratio"))
        print_summary(stage, backend, precision, figures)
        content["results"].append(
            {"stage": stage, "backend": backend, "precision": precision}
            | {"medians": figures, "rounds": rounds}
        )
    print(", ".join(f"{name} {version}" for name, version in content["versions"].items()))
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
