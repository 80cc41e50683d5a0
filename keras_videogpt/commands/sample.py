"""`keras-videogpt sample`: samples clips from a prior into a file."""

import argparse
import time
from pathlib import Path
from typing import Any

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.commands.conditions import add_conditions, given_conditions
from keras_videogpt.commands.sample_folder import sample_into_folder
from keras_videogpt.data.video_grid import contact_sheet
from keras_videogpt.data.video_writer import check_free, write_video
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.paths import as_path, local_path
from keras_videogpt.sampling.decoding_model import DTYPES
from keras_videogpt.sampling.sample import sample

CONTROLS = ("temperature", "top_k", "top_p", "seed", "dtype", "guidance", "keep_frames")


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("sample", help="sample clips from a prior")
    parser.add_argument("model", metavar="MODEL", help="a VideoGPT: .keras file, or run folder")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".gif, .mp4 or .npz for all clips; or a folder, for an .mp4 of each as it is finished",
    )
    parser.add_argument("-n", type=int, default=8, help="number of clips (default: 8)")
    add_conditions(parser)
    parser.add_argument(
        "--guidance",
        type=float,
        default=1.0,
        metavar="W",
        help="above 1: clips follow the conditions more closely, at twice the cost; for priors "
        "trained with --condition-dropout (default: 1)",
    )
    parser.add_argument(
        "--keep-frames",
        action="store_true",
        help="clips begin with the frames of --frames themselves",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="below 1 for likelier clips, above 1 for more varied ones (default: 1)",
    )
    parser.add_argument(
        "--top-k", type=int, metavar="K", help="draw from the K likeliest codes only"
    )
    parser.add_argument(
        "--top-p",
        type=float,
        metavar="P",
        help="draw from the likeliest codes that together have probability P",
    )
    parser.add_argument(
        "--seed", type=int, help="the same clips for the same seed (default: others every time)"
    )
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="clips sampled at once (default: what fits)"
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        help="of weights and cache; half precision is faster (default: the model's compute dtype)",
    )
    parser.add_argument(
        "--contact-sheet", metavar="PNG", help="also write all frames into one .png picture"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Samples, writes the clips, and prints how fast it was."""
    check_positive(n=args.n)
    into_folder = not Path(args.out).suffix
    if into_folder and args.contact_sheet:
        raise ValueError("--contact-sheet needs a file as --out, not a folder.")
    for path in (args.out, args.contact_sheet):
        if path and not into_folder:
            check_free(path, args.overwrite)
    if args.keep_frames and args.frames is None:
        raise ValueError("--keep-frames needs the frames to keep: --frames VIDEO.")
    model = load(args.model)
    if not isinstance(model, VideoGPT):
        raise ValueError(f"{args.model} is a VQVAE; sampling needs a VideoGPT.")
    controls = {name: getattr(args, name) for name in CONTROLS}
    options = {**given_conditions(args, model), "batch_size": args.batch_size}
    start = time.perf_counter()
    if into_folder:
        sampled = _run_into_folder(args, model, controls, options)
        written = [f"{sampled} clips to {args.out}"]
    else:
        clips = sample(model, args.n, **controls, **options)
        write_video(args.out, clips, overwrite=args.overwrite)
        sampled, written = len(clips), [args.out]
    seconds = time.perf_counter() - start
    if args.contact_sheet:
        contact_sheet(clips, args.contact_sheet)
        written.append(args.contact_sheet)
    if sampled:
        print(
            f"{seconds / sampled:.2f} seconds per video, "
            f"{sampled * model.length / seconds:.0f} codes per second (compilation included)."
        )
    print(f"Wrote {' and '.join(written)}.")


def _run_into_folder(args, model, controls, options):
    if args.overwrite:
        raise ValueError("--overwrite replaces a file; a folder is gone on with, or another.")
    conditions = {
        "model": str(as_path(args.model).resolve()),
        **{
            name: getattr(args, name) and str(as_path(getattr(args, name)).resolve())
            for name in ("frames", "actions", "embeddings")
        },
        "stride": args.stride,
        "label": None if args.label is None else args.label.tolist(),
    }
    folder = local_path(args.out, "--out")
    drawing = {name: value for name, value in controls.items() if name != "seed"}
    return sample_into_folder(
        model, folder, args.n, {**conditions, **controls}, **drawing, **options
    )
