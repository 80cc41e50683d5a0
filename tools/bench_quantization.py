"""Measures a prior with int8 weights (`VideoGPT.quantize`) against the same one as it was saved.

Run it as `tools/bench_quantization MODEL DATA`: a prior's `.keras` file, and a folder of videos.
Every measurement is a process of its own:

  bits/code  of held-out clips, the test split's one after the other
  file MB    of the model saved without an optimizer, with its tokenizer
  prior MB   of weights without the tokenizer's
  first s    seconds of sampling for the first time, with the compilation
  codes/s    of sampling for the second and third time, the faster one; decoding to video included
  peak MiB   the process's VmHWM (largest resident memory ever), the framework included
"""

import argparse
import json
import sys
from pathlib import Path

from benchmark import BACKENDS, ON_CPU, json_file, machine, output_of

WEIGHTS = ("as saved", "int8")
FIGURES = {
    "bits_per_code": ("bits/code", "12.4f"),
    "file_megabytes": ("file MB", "10.2f"),
    "prior_megabytes": ("prior MB", "10.2f"),
    "first_seconds": ("first s", "10.1f"),
    "codes_per_second": ("codes/s", "10.0f"),
    "peak_mib": ("peak MiB", "10.0f"),
}


def measured(backend: str, weights: str, args: argparse.Namespace) -> dict:
    """What bench_quantization_process.py prints."""
    options = {"weights": weights, "clips": args.clips, "samples": args.samples}
    script = str(Path(__file__).with_name("bench_quantization_process.py"))
    command = [sys.executable, script, args.model, args.data, json.dumps(options)]
    printed = output_of(command, KERAS_BACKEND=backend, **(ON_CPU if args.device == "cpu" else {}))
    return json.loads(printed.splitlines()[-1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench_quantization",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras file of a VideoGPT, or a run")
    parser.add_argument("data", metavar="DATA", help="videos with a test split")
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--clips", type=int, metavar="N", help="held-out clips at most")
    parser.add_argument("--samples", type=int, default=8, help="clips to sample; 8 by default")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="cpu by default")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="where to write all figures")
    args = parser.parse_args()
    if args.samples < 1 or (args.clips is not None and args.clips < 1):
        parser.error("--samples and --clips must be at least 1")
    return args


def main() -> None:
    args = arguments()
    content = {"machine": machine(), "model": args.model, "data": args.data, "results": []}
    print("{processor}, {cores} cores, load {load}, Python {python}".format(**content["machine"]))
    titles = "".join(f"{title:>{form.split('.')[0]}}" for title, form in FIGURES.values())
    print(f"{'backend':<12}{'weights':<10}{titles}", flush=True)
    for backend in args.backend:
        for weights in WEIGHTS:
            figures = measured(backend, weights, args)
            row = "".join(f"{figures[name]:{form}}" for name, (_, form) in FIGURES.items())
            print(f"{backend:<12}{weights:<10}{row}", flush=True)
            content["results"].append({"backend": backend, "weights": weights, **figures})
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n")
        print(f"Wrote {args.json}.")


if __name__ == "__main__":
    main()
