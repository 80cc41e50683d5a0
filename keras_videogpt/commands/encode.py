"""`keras-videogpt encode`: stores a data set's codes and conditions, for training priors."""

import argparse
from typing import Any

from keras_videogpt.commands.arguments import (
    DATA_HELP,
    TOKENIZER_HELP,
    add_backend,
    add_clips,
    clip_maker,
    clip_options,
    load_tokenizer,
)
from keras_videogpt.data.open_videos import held_out, open_videos, resolve_source
from keras_videogpt.tokens.store_tokens import store_tokens


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser(
        "encode",
        help="store a data set's codes, for training priors",
        description="Stores the codes and conditions of every clip, once, in a folder that `train "
        "prior` takes as DATA. The same command again goes on where it stopped. Held-out clips "
        "follow one another without overlap, cropped at the centre.",
    )
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--tokenizer", required=True, metavar="PATH", help=TOKENIZER_HELP)
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
        help="training clips: all of a video, one after the other; or one from anywhere in it, "
        "as training on videos takes them, best with --passes (default: all)",
    )
    parser.add_argument(
        "--hop",
        type=int,
        metavar="FRAMES",
        help="with --start all: frames from the start of a training clip to that of the next; 1 "
        "for every clip there is (default: as many as a clip spans)",
    )
    add_clips(parser)
    parser.add_argument(
        "--embeddings",
        metavar="FILE",
        help="also store embeddings: an .npz file of arrays (l, D) by name of a video or a class",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of what is random in training clips (default: 0)"
    )
    parser.add_argument(
        "--passes",
        type=int,
        default=1,
        metavar="N",
        help="store the training clips N times, with other random starts, crops, mirroring and "
        "augmentation each time; training goes through them in turn (default: 1)",
    )
    parser.add_argument(
        "--clips-per-shard",
        type=int,
        default=256,
        metavar="N",
        help="clips in a file; what an interruption loses is at most one file (default: 256)",
    )
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="N", help="clips encoded at once (default: 8)"
    )
    parser.add_argument(
        "--workers", type=int, default=4, metavar="N", help="reading threads (default: 4)"
    )
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Encodes, or goes on with what is in `--out`."""
    tokenizer = load_tokenizer(args.tokenizer)
    make_clips = clip_maker(args.embeddings)
    options, training = clip_options(args, tokenizer.video_shape)
    videos = open_videos(args.data, "train")
    clips = {"train": make_clips(videos, **options, **training, start=args.start, hop=args.hop)}
    for split, store in held_out(args.data).items():
        clips[split] = make_clips(store, **options, start="all")
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
