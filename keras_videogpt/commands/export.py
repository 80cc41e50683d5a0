"""`keras-videogpt export`: models as artefacts that other programs run."""

import argparse
from typing import Any

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.exporting.export import export
from keras_videogpt.exporting.formats import FORMATS


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("export", help="export a model for other programs")
    parser.add_argument("model", metavar="MODEL", help="a .keras file, run folder or preset")
    parser.add_argument("folder", metavar="DIR", help="the folder to write")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="tf_saved_model",
        help="a SavedModel that samples by itself; or files for encoder, decoder and one step of "
        "a prior in another format (default: tf_saved_model)",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="clips at once, if that is to be fixed; not of tf_saved_model (default: any number)",
    )
    sampling = parser.add_argument_group("sampling", "of a prior, fixed in a tf_saved_model")
    sampling.add_argument(
        "--top-k", type=int, metavar="K", help="draw from the K likeliest codes only"
    )
    sampling.add_argument(
        "--top-p",
        type=float,
        metavar="P",
        help="draw from the likeliest codes that together have probability P",
    )
    sampling.add_argument(
        "--guidance",
        type=float,
        default=1.0,
        metavar="W",
        help="above 1: clips follow the conditions more closely (default: 1)",
    )
    sampling.add_argument(
        "--jit-compile",
        action="store_true",
        help="compile the loop with XLA, where the server has it",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an export that is there")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Exports, and prints what was written."""
    written = export(
        args.model,
        args.folder,
        args.format,
        overwrite=args.overwrite,
        batch_size=args.batch_size,
        top_k=args.top_k,
        top_p=args.top_p,
        guidance=args.guidance,
        jit_compile=args.jit_compile,
    )
    size = sum(path.stat().st_size for path in written) / 2**20
    print(f"Wrote {len(written)} files, {size:.1f} MiB:", *written, sep="\n")
