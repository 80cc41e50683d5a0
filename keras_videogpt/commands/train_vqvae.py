"""`keras-videogpt train vqvae`: trains a tokenizer on a folder of videos."""

import argparse
from pathlib import Path
from typing import Any

from keras_videogpt.callbacks.pictures import ReconstructionPictures
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.commands.arguments import (
    add_backend,
    add_training,
    check_counts,
    check_run,
    chosen,
    training_clips,
)
from keras_videogpt.commands.conditions import read_batch
from keras_videogpt.commands.training_run import run_training
from keras_videogpt.distribution.strategy import set_up
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.settings import TRAINING_SETTINGS, settings

PICTURED_CLIPS = 4


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt train`."""
    parser = subparsers.add_parser("vqvae", help="train a tokenizer")
    add_training(parser)
    parser.add_argument("--frames", type=int, help="frames of a clip")
    parser.add_argument("--size", type=int, help="height and width of a clip, in pixels")
    parser.add_argument("--downsample", type=int, nargs=3, metavar=("T", "H", "W"))
    parser.add_argument("--num-codes", type=int, help="codes per codebook")
    parser.add_argument("--code-dim", type=int, help="channels of a code")
    parser.add_argument("--num-codebooks", type=int)
    parser.add_argument("--hidden-units", type=int)
    parser.add_argument("--residual-units", type=int)
    parser.add_argument("--num-residual-layers", type=int)
    parser.add_argument("--axial-attention", action=argparse.BooleanOptionalAction)
    parser.add_argument("--ema-decay", type=float, help="of the codebook, in [0, 1)")
    parser.add_argument("--norm", choices=("batch", "layer", "group"))
    parser.add_argument("--data-variance", type=float, help="default: the preset's, or measured")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Trains, or goes on with the run in `--out`."""
    distribution = set_up(args.distribute)
    options = chosen(args, settings("vqvae", args.preset))
    check_counts(options)
    check_run(args, options)
    model_settings = {k: v for k, v in options.items() if k not in TRAINING_SETTINGS}
    frames, size = model_settings.pop("frames"), model_settings.pop("size")
    video_shape = (frames, size, size, 3)
    model_settings |= {"video_shape": video_shape, "downsample": tuple(options["downsample"])}
    clips, held_out = training_clips(args, video_shape)

    def build() -> VQVAE:
        model = VQVAE(**model_settings, seed=args.seed, dtype=args.precision, remat=args.remat)
        if model.data_variance is None:
            model.measured_variance.assign(clips.variance())
        return model

    def make_pictures(folder: Path, tensorboard: TensorBoard):
        shown = read_batch(held_out, range(min(PICTURED_CLIPS, len(held_out))))
        return ReconstructionPictures(folder, tensorboard, shown["video"])

    config = {"kind": "vqvae", **model_settings}
    run_training(
        args,
        distribution,
        options,
        config,
        "vqvae",
        clips,
        held_out,
        build,
        "reconstructions",
        make_pictures,
    )
