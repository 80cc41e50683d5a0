"""The command `keras-videogpt`."""

import argparse
import sys
import traceback

from keras_videogpt.commands import (
    convert,
    data,
    encode,
    evaluate,
    export,
    presets,
    reconstruct,
    sample,
    train_prior,
    train_vqvae,
    watch,
)
from keras_videogpt.paths import local_path

WRONG_INPUT = (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError, ImportError)
# Commands that go on with a folder of many files.
LOCAL_OUTPUT = (encode.run, data.run_vizdoom, data.run_pushing, data.run_prepare)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr, with status 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = Parser(prog="keras-videogpt", description="Train, sample and measure video models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a tokenizer or a prior")
    kinds = train.add_subparsers(required=True, metavar="KIND")
    train_vqvae.add_parser(kinds)
    train_prior.add_parser(kinds)
    for module in (watch, encode, sample, reconstruct, evaluate, export, convert, presets, data):
        module.add_parser(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: its arguments; `None` takes the process's.

    Returns:
        0 on success, 2 for wrong arguments or input, 1 for other errors.
    """
    args = build_parser().parse_args(arguments)
    # Lines per epoch where nobody watches a bar move.
    args.verbose = 1 if sys.stdout.isatty() else 2
    try:
        if args.run in LOCAL_OUTPUT:
            args.out = str(local_path(args.out, "--out"))
        args.run(args)
    except KeyboardInterrupt:
        print("keras-videogpt: stopped.", file=sys.stderr)
        return 1
    except Exception as error:
        if args.debug:
            traceback.print_exc()
        else:
            message = " ".join(_text(error).split()) or type(error).__name__
            message = message if len(message) < 600 else message[:600] + " ... (see --debug)"
            print(f"keras-videogpt: {message}", file=sys.stderr)
        return 2 if isinstance(error, WRONG_INPUT) else 1
    return 0


def _text(error: Exception) -> str:
    """What an error says; in words where it is the system's, of a path that is no folder."""
    if isinstance(error, NotADirectoryError | FileExistsError) and error.filename:
        return f"{str(error.filename)!r} is a file, where a folder is needed."
    return str(error)
