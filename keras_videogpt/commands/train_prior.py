"""`keras-videogpt train prior`: trains a prior on top of a tokenizer."""

import argparse
import hashlib
from pathlib import Path

import keras

from keras_videogpt.callbacks.pictures import SamplePictures
from keras_videogpt.commands.arguments import (
    add_backend,
    add_training,
    check_counts,
    chosen,
    training_clips,
)
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.settings import settings
from keras_videogpt.training.run_folder import RunFolder
from keras_videogpt.training.train import make_optimizer, train


def add_parser(subparsers) -> None:
    """Adds the command to `keras-videogpt train`."""
    parser = subparsers.add_parser("prior", help="train a prior over a tokenizer's codes")
    add_training(parser)
    parser.add_argument("--tokenizer", required=True, metavar="PATH", help=".keras file of a VQVAE")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--num-heads", type=int)
    parser.add_argument("--hidden-dim", type=int)
    parser.add_argument("--feed-forward-ratio", type=float)
    parser.add_argument("--dropout", type=float)
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Trains, or goes on with the run in `--out`."""
    options = chosen(args, settings("prior", args.preset))
    check_counts(options)
    tokenizer = load(args.tokenizer)
    if not isinstance(tokenizer, VQVAE):
        raise ValueError(f"--tokenizer must be a VQVAE; {args.tokenizer} is a VideoGPT.")
    model_settings = {
        name: options[name]
        for name in ("num_layers", "num_heads", "hidden_dim", "feed_forward_ratio", "dropout")
    }
    training_settings = {
        name: options[name]
        for name in ("batch_size", "learning_rate", "schedule", "steps", "save_every")
    }
    clips, held_out = training_clips(args, tokenizer.video_shape)
    folder = RunFolder(
        args.out,
        {
            "kind": "prior",
            "data": str(Path(args.data).resolve()),
            "tokenizer": fingerprint(tokenizer),
            **{name: getattr(args, name) for name in ("stride", "crop", "flip", "precision")},
            "seed": args.seed,
            **model_settings,
            **training_settings,
        },
        "videogpt",
    )
    done = folder.latest_step()
    if done:
        print(f"Going on with {folder.folder} at step {done} of {options['steps']}.")
        model = folder.load_latest()
    else:
        keras.utils.set_random_seed(args.seed)
        keras.config.set_dtype_policy(args.precision)
        model = VideoGPT(tokenizer, **model_settings, seed=args.seed)
        model.compile(
            optimizer=make_optimizer(
                options["learning_rate"], options["schedule"], options["steps"]
            )
        )
    print(
        f"{len(clips)} training videos, {len(held_out)} held out; {model.length} codes per clip; "
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
        make_pictures=lambda tensorboard: SamplePictures(folder.folder / "samples", tensorboard),
        verbose=args.verbose,
    )
    print(
        f"Wrote {folder.model_path}, {folder.folder / 'samples'}, and "
        f"{folder.logs} (tensorboard --logdir {folder.folder})."
    )


def fingerprint(tokenizer: VQVAE) -> str:
    """A hash of a tokenizer's weights: codes of another tokenizer mean something else."""
    digest = hashlib.sha256()
    for weight in tokenizer.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()[:16]
