"""`keras-videogpt reconstruct`: originals beside their reconstructions, with PSNR."""

import argparse
from typing import Any

import numpy as np

from keras_videogpt.callbacks.pictures import beside
from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.data.array_videos import ArrayVideos
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.data.video_file import read_video
from keras_videogpt.data.video_writer import check_free, write_video
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.reconstruction import psnr
from keras_videogpt.models.load import load
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("reconstruct", help="originals beside reconstructions")
    parser.add_argument("model", metavar="MODEL", help=".keras file of a VQVAE or a VideoGPT")
    parser.add_argument(
        "video", metavar="VIDEO", help="a video file, or a data set's held-out part"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help=".gif, .mp4 or .npz")
    parser.add_argument("-n", type=int, default=8, help="most clips (default: 8)")
    parser.add_argument("--stride", type=int, default=1, help="video frames per frame of a clip")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Reconstructs clips, writes them beside the originals, and prints their PSNR."""
    if args.n < 1:
        raise ValueError(f"-n must be at least 1; got {args.n}.")
    check_free(args.out, args.overwrite)
    model = load(args.model)
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    frames, height, width, _ = tokenizer.video_shape
    path = as_path(args.video)
    is_file = path.is_file() and path.suffix.lower() not in (".h5", ".hdf5")
    store = ArrayVideos([read_video(path)]) if is_file else open_videos(path, "test")
    clips = Clips(store, frames, (height, width), args.stride, "all" if is_file else "first")
    originals = np.stack([clips[i]["video"] for i in range(min(args.n, len(clips)))])
    reconstructions = to_uint8(tokenizer.decode(tokenizer.encode(originals)))
    for index, decibels in enumerate(psnr(originals, reconstructions)):
        print(f"clip {index}: {decibels:.2f} dB")
    print(f"PSNR {psnr(originals, reconstructions).mean():.2f} dB over {len(originals)} clips.")
    write_video(args.out, beside(originals, reconstructions), overwrite=args.overwrite)
    print(f"Wrote {args.out}: originals left, reconstructions right.")
