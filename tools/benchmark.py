"""What all benchmarks say of the machine, and where they write."""

import argparse
import os
import platform
from pathlib import Path


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
