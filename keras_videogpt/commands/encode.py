"""`keras-videogpt encode`: stores a data set's codes and conditions, for training priors."""

import argparse

from keras_videogpt.commands.arguments import add_backend, load_tokenizer
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import held_out, open_videos, resolve_source
from keras_videogpt.tokens.store_tokens import store_tokens


def add_parser(subparsers) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser(
        "encode",
        help="store a data set's codes, for training priors",
        description="Stores the codes and conditions of every clip, once. The same command again "
        "goes on where it stopped. Held-out clips follow one another without overlap, cropped at "
        "the centre.",
    )
    parser.add_argument("data", metavar="DATA", help="folder of videos, or HDF5 file")
    parser.add_argument("--tokenizer", required=True, metavar="PATH", help=".keras file of a VQVAE")
    parser.add_argument("--out", required=True, metavar="TOKENS", help="folder to write")
    parser.add_argument(
        "--frame-cond",
        type=int,
        default=0,
        metavar="F",
        help="also store the first F frames, for priors conditioned on up to F (default: 0)",
    )
    parser.add_argument(
        "--start",
        choices=("all", "random"),
        default="all",
        help="training clips: all of a video, one after the other, or one from anywhere in it, as "
        "training on videos takes them (default: all)",
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="FRAMES",
        help="from the start of a training clip to the next; 1 for every clip there is (default: "
        "as many as a clip spans)",
    )
    parser.add_argument("--stride", type=int, default=1, help="video frames per frame of a clip")
    parser.add_argument("--crop", choices=("center", "random"), default="center")
    parser.add_argument("--flip", action="store_true", help="mirror half of the clips")
    parser.add_argument("--seed", type=int, default=0, help="of what is random in the clips")
    parser.add_argument(
        "--passes",
        type=int,
        default=1,
        metavar="N",
        help="store the training clips N times, with other random starts, crops and mirroring; "
        "training goes through them in turn (default: 1)",
    )
    parser.add_argument("--clips-per-shard", type=int, default=256, help="clips in a file")
    parser.add_argument("--batch-size", type=int, default=8, help="clips to encode at once")
    parser.add_argument("--workers", type=int, default=4, help="reading threads")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Encodes, or goes on with what is in `--out`."""
    tokenizer = load_tokenizer(args.tokenizer)
    frames, height, width, _ = tokenizer.video_shape
    options = {"num_frames": frames, "size": (height, width), "stride": args.stride}
    clips = {
        "train": Clips(
            open_videos(args.data, "train"),
            **options,
            start=args.start,
            hop=args.hop,
            crop=args.crop,
            flip=args.flip,
            seed=args.seed,
        ),
    }
    for split, store in held_out(args.data).items():
        clips[split] = Clips(store, **options, start="all")
    store_tokens(
        args.out,
        tokenizer,
        clips,
        frame_cond=args.frame_cond,
        passes=args.passes,
        data=resolve_source(args.data),
        clips_per_shard=args.clips_per_shard,
        batch_size=args.batch_size,
        workers=args.workers,
    )
    print(f"Go on with: keras-videogpt train prior {args.out} --tokenizer {args.tokenizer}")
