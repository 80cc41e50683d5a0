"""`keras-videogpt sample`: samples clips from a prior into a file."""

import argparse
import time

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.commands.conditions import add_conditions, given_conditions
from keras_videogpt.data.video_grid import contact_sheet
from keras_videogpt.data.video_writer import check_free, write_video
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.decoding_model import DTYPES
from keras_videogpt.sampling.sample import sample


def add_parser(subparsers) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("sample", help="sample clips from a prior")
    parser.add_argument("model", metavar="MODEL", help="videogpt.keras, or a run folder")
    parser.add_argument("--out", required=True, metavar="FILE", help=".gif, .mp4 or .npz")
    parser.add_argument("-n", type=int, default=8, help="number of clips (default: 8)")
    add_conditions(parser)
    parser.add_argument(
        "--guidance", type=float, default=1.0, metavar="W", help="above 1: closer to the conditions"
    )
    parser.add_argument(
        "--keep-frames", action="store_true", help="clips begin with the given frames themselves"
    )
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--batch-size", type=int, help="clips sampled at once (default: what fits)")
    parser.add_argument(
        "--dtype", choices=DTYPES, help="of weights and cache (default: the model's compute dtype)"
    )
    parser.add_argument("--contact-sheet", metavar="PNG", help="also every frame as one picture")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Samples, writes the clips, and prints how fast it was."""
    check_positive(n=args.n)
    for path in (args.out, args.contact_sheet):
        if path:
            check_free(path, args.overwrite)
    model = load(args.model)
    if not isinstance(model, VideoGPT):
        raise ValueError(f"{args.model} is a VQVAE; sampling needs a VideoGPT.")
    conditions = given_conditions(args, model)
    start = time.perf_counter()
    clips = sample(
        model,
        args.n,
        **conditions,
        temperature=args.temperature,
        top_k=args.top_k,
        top_p=args.top_p,
        seed=args.seed,
        dtype=args.dtype,
        batch_size=args.batch_size,
        guidance=args.guidance,
        keep_frames=args.keep_frames,
    )
    seconds = time.perf_counter() - start
    write_video(args.out, clips, overwrite=args.overwrite)
    written = [args.out]
    if args.contact_sheet:
        contact_sheet(clips, args.contact_sheet)
        written.append(args.contact_sheet)
    print(
        f"{seconds / len(clips):.2f} seconds per video, "
        f"{len(clips) * model.length / seconds:.0f} codes per second (compilation included)."
    )
    print(f"Wrote {' and '.join(written)}.")
