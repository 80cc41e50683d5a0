"""`keras-videogpt presets`: the models that come with the package."""

import argparse
from typing import Any

from keras_videogpt.presets.built_in import available


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("presets", help="list the models that come with the package")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Prints a table of the presets."""
    rows = [("name", "class", "parameters", "size", "trained on", "what")]
    for preset in available():
        rows.append(
            (
                preset.name,
                preset.class_name,
                f"{preset.parameters:,}",
                f"{preset.size / 1e6:,.1f} MB",
                preset.trained_on or "untrained",
                preset.description,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    print(
        "\nUse: keras-videogpt sample NAME --out clips.gif, or keras_videogpt.load(NAME).\n"
        "Untrained ones are settings: train with --preset NAME, or take them by\n"
        "from_preset(NAME, load_weights=False)."
    )
