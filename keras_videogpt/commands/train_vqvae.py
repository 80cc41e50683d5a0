"""`keras-videogpt train vqvae`: trains a tokenizer on a folder of videos."""

import argparse
from pathlib import Path

import keras
import numpy as np

from keras_videogpt.callbacks.pictures import ReconstructionPictures
from keras_videogpt.commands.arguments import (
    add_backend,
    add_training,
    check_counts,
    chosen,
    training_clips,
)
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.settings import settings
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.train import make_optimizer, train

PICTURED_CLIPS = 4


def add_parser(subparsers) -> None:
    """Adds the command to `keras-videogpt train`."""
    parser = subparsers.add_parser("vqvae", help="train a tokenizer")
    add_training(parser)
    parser.add_argument("--frames", type=int, help="frames of a clip")
    parser.add_argument("--size", type=int, help="height and width of a clip, in pixels")
    parser.add_argument("--downsample", type=int, nargs=3, metavar=("T", "H", "W"))
    parser.add_argument("--num-codes", type=int, help="codes per codebook")
    parser.add_argument("--code-dim", type=int, help="channels of a code")
    parser.add_argument("--num-codebooks", type=int, default=1)
    parser.add_argument("--hidden-units", type=int)
    parser.add_argument("--residual-units", type=int)
    parser.add_argument("--num-residual-layers", type=int)
    parser.add_argument("--axial-attention", action=argparse.BooleanOptionalAction)
    parser.add_argument("--ema-decay", type=float, help="of the codebook, in [0, 1)")
    parser.add_argument("--norm", choices=("batch", "layer", "group"), default="batch")
    parser.add_argument("--data-variance", type=float, help="default: measured on the data")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Trains, or goes on with the run in `--out`."""
    options = chosen(args, settings("vqvae", args.preset))
    check_counts(options)
    video_shape = (options["frames"], options["size"], options["size"], 3)
    model_settings = {
        "video_shape": video_shape,
        "downsample": tuple(options["downsample"]),
        "num_codebooks": args.num_codebooks,
        "norm": args.norm,
        "data_variance": args.data_variance,
        "seed": args.seed,
        **{
            name: options[name]
            for name in (
                "num_codes",
                "code_dim",
                "hidden_units",
                "residual_units",
                "num_residual_layers",
                "axial_attention",
                "ema_decay",
            )
        },
    }
    training_settings = {
        name: options[name]
        for name in ("batch_size", "learning_rate", "schedule", "steps", "save_every")
    }
    clips, held_out = training_clips(args, video_shape)
    folder = RunFolder(
        args.out,
        {
            "kind": "vqvae",
            "data": str(Path(args.data).resolve()),
            **{name: getattr(args, name) for name in ("stride", "crop", "flip", "precision")},
            **model_settings,
            **training_settings,
        },
        "vqvae",
    )
    done = folder.latest_step()
    if done:
        print(f"Going on with {folder.folder} at step {done} of {options['steps']}.")
        model = folder.load_latest()
    else:
        keras.utils.set_random_seed(args.seed)
        keras.config.set_dtype_policy(args.precision)
        model = VQVAE(**model_settings)
        model.compile(
            optimizer=make_optimizer(
                options["learning_rate"], options["schedule"], options["steps"]
            )
        )
        if args.data_variance is None:
            model.measured_variance.assign(clips.variance())
    shown = np.stack([held_out[i]["video"] for i in range(min(PICTURED_CLIPS, len(held_out)))])
    print(
        f"{len(clips)} training videos, {len(held_out)} held out; clips of {video_shape}; "
        f"{model.count_params():,} parameters; backend {keras.backend.backend()}."
    )
    train(
        model,
        folder,
        clips,
        held_out,
        batch_size=options["batch_size"],
        steps=options["steps"],
        save_every=options["save_every"],
        seed=args.seed,
        workers=args.workers,
        make_pictures=lambda tensorboard: ReconstructionPictures(
            folder.folder / "reconstructions", tensorboard, shown
        ),
        verbose=args.verbose,
    )
    print(
        f"Wrote {folder.model_path}, {folder.folder / 'reconstructions'}, and "
        f"{folder.logs} (tensorboard --logdir {folder.folder})."
    )
