"""What benchmarks share: the machine, processes, other programs, and where they write."""

import argparse
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}


def machine() -> dict:
    """What the figures depend on; the load is that of the last minute, of other work."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in cpuinfo if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def json_file(path: str) -> Path:
    """A file to write, as the type of an argument: its folder must be there before the work is."""
    if not Path(path).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {Path(path).parent}")
    return Path(path)


def process_memory(field: str) -> float:
    """A field such as `VmHWM` of what Linux says of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def output_of(command: list[str], **environment: str) -> str:
    """What a program prints; it is the end of everything if it fails."""
    process = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if process.returncode:
        sys.exit(
            f"{process.stderr}\n{shlex.join(command)} ended with {process.returncode}; "
            "-9 is a lack of memory."
        )
    return process.stdout


def printed_figure(program: str, options: list[str], figure: str, **environment: str) -> tuple:
    """A number that another program prints as `figure: X`, and all that it prints.

    Args:
        program: a command; a Python file is run by this Python.
        options: what it gets after its own.
        figure: what comes before the number.
        environment: variables that are set for it.
    """
    command = shlex.split(program)
    if command[0].endswith(".py"):
        command = [sys.executable, *command]
    command += options
    printed = output_of(command, **environment)
    found = re.search(rf"{figure}: ([0-9.e+-]+)", printed)
    if not found:
        sys.exit(f"{shlex.join(command)} printed no `{figure}: X` but:\n{printed}")
    return float(found[1]), printed


def medians(rounds: list[dict], ours: Iterable[str], others: Iterable[str]) -> dict:
    """Medians over the rounds of a comparison: of our figures, and of those of other programs.

    Args:
        rounds: each with `ours`, figures by name, and `others`, the same by program.
        ours: names of our figures.
        others: names of the figures of the other programs.
    """
    return {
        "ours": {
            figure: statistics.median(one["ours"][figure] for one in rounds) for figure in ours
        },
        "others": {
            name: {
                figure: statistics.median(one["others"][name][figure] for one in rounds)
                for figure in others
            }
            for name in rounds[0]["others"]
        },
    }
