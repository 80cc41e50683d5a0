"""`keras-videogpt train prior`: trains a prior on top of a tokenizer."""

import argparse
import hashlib
from pathlib import Path

from keras_videogpt.callbacks.pictures import SamplePictures
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.commands.arguments import add_backend, add_training, check_counts, chosen
from keras_videogpt.commands.training_run import run_training
from keras_videogpt.data.clips import Clips
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.settings import settings

MODEL_SETTINGS = ("num_layers", "num_heads", "hidden_dim", "feed_forward_ratio", "dropout")


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
    model_settings = {name: options[name] for name in MODEL_SETTINGS}

    def build(clips: Clips) -> VideoGPT:
        return VideoGPT(tokenizer, **model_settings, seed=args.seed)

    def make_pictures(folder: Path, held_out: Clips, tensorboard: TensorBoard):
        return SamplePictures(folder, tensorboard)

    config = {"kind": "prior", "tokenizer": fingerprint(tokenizer), **model_settings}
    run_training(
        args,
        options,
        config,
        "videogpt",
        tokenizer.video_shape,
        build,
        "samples",
        make_pictures,
    )


def fingerprint(tokenizer: VQVAE) -> str:
    """A hash of a tokenizer's weights: codes of another tokenizer mean something else."""
    digest = hashlib.sha256()
    for weight in tokenizer.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()[:16]
