"""`keras-videogpt watch`: the state of a run, in the terminal."""

import argparse
import contextlib
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.paths import as_path
from keras_videogpt.training.status import Status, read_status
from keras_videogpt.training.status_text import age, numbers, rates, time_left

SECONDS = 2.0


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser(
        "watch",
        help="show how far a run is",
        description="Shows how far a run is, from another terminal or machine, until it ends.",
    )
    parser.add_argument("folder", metavar="RUN", help="run folder of train vqvae or train prior")
    parser.add_argument("--once", action="store_true", help="say it once, and end")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Says it once, or shows a bar until the run ends."""
    place = as_path(args.folder)
    if not place.exists():
        raise FileNotFoundError(f"There is no folder {place}.")
    if not (place / "config.json").exists():
        raise ValueError(f"{place} is no run folder (no config.json): give the --out of train.")
    status = read_status(place)
    if status is None:
        print(f"{place} says nothing yet: training has not begun, or was by an earlier version.")
        return
    if not (args.once or status.is_over):
        with contextlib.suppress(KeyboardInterrupt):
            follow(place, status)
        status = read_status(place) or status
    print("\n".join(description(str(place), status)))


def follow(place: Path, status: Status) -> None:
    """Shows a bar until a run ends."""
    form = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"
    with tqdm(desc=str(place), total=status.steps, bar_format=form) as bar:
        while True:
            bar.n = status.step
            bar.set_postfix_str("; ".join(news(status)), refresh=False)
            bar.refresh()
            if status.is_over:
                return
            time.sleep(SECONDS)
            status = read_status(place) or status


def news(status: Status) -> list[str]:
    """What changes all the time: loss, rate, time left, what is done now, and when."""
    loss = {"loss": status.values["loss"]} if "loss" in status.values else {}
    parts = [numbers(loss), rates(status.speed), *time_left(status)]
    if status.phase != "training":
        parts.append(status.phase)
    return [*filter(None, parts), age(time.time() - status.written)]


def description(place: str, status: Status) -> list[str]:
    """All that is known of a run, in lines.

    Args:
        place: the run folder.
        status: its state.

    Returns:
        Lines of text.
    """
    written, process = age(time.time() - status.written), None
    if status.is_finished:
        lines = [f"{place} has all its {status.steps:,} steps; it ended {written}."]
    elif status.is_gone:
        lines = [
            f"{place} stopped at step {status.step:,} of {status.steps:,}: its process "
            f"{status.process} is gone; last sign of life {written}.",
            f"The same train command goes on at step {status.checkpoint:,}.",
        ]
    else:
        share = status.step / status.steps
        reached = f"step {status.step:,} of {status.steps:,} ({share:.0%})"
        lines = [f"{place} is {status.phase}: {', '.join([reached, *time_left(status)])}."]
        process = f"process {status.process} on {status.host}, heard of {written}"
    best = (
        f"; best at step {status.best['step']:,.0f} (validation loss {status.best['loss']:.4g})"
        if status.best
        else ""
    )
    checkpoint = f"newest checkpoint at step {status.checkpoint:,}{best}"
    checkpoint = checkpoint if status.checkpoint else "no checkpoint yet"
    facts = [numbers(status.values), rates(status.speed), checkpoint, process]
    return lines + [f"  {fact}" for fact in facts if fact]
