"""`keras-videogpt train prior`: trains a prior on top of a tokenizer."""

import argparse
from pathlib import Path
from typing import Any

from keras_videogpt.callbacks.pictures import SamplePictures
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.commands.arguments import (
    TOKENIZER_HELP,
    add_backend,
    add_training,
    check_counts,
    check_run,
    chosen,
    load_tokenizer,
    training_clips,
)
from keras_videogpt.commands.conditions import read_batch
from keras_videogpt.commands.stored_tokens import decoded, token_clips, token_settings
from keras_videogpt.commands.training_run import run_training
from keras_videogpt.data.clips import Clips
from keras_videogpt.distribution.strategy import set_up
from keras_videogpt.models.batch_conditions import conditions_of
from keras_videogpt.models.condition_arguments import conditions_of_model
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.presets.settings import TRAINING_SETTINGS, settings
from keras_videogpt.tokens.fingerprint import fingerprint
from keras_videogpt.tokens.stored_tokens import StoredTokens
from keras_videogpt.tokens.token_folder import is_token_folder

PICTURED_CLIPS = 4
STORED = ""  # what --embeddings is without a FILE


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt train`."""
    parser = subparsers.add_parser(
        "prior",
        help="train a prior over a tokenizer's codes",
        description="Trains a prior over a tokenizer's codes. The same command again goes on where "
        "it stopped.",
    )
    add_training(parser)
    parser.add_argument("--tokenizer", required=True, metavar="PATH", help=TOKENIZER_HELP)
    parser.add_argument("--num-layers", type=int, metavar="N", help="transformer blocks")
    parser.add_argument("--num-heads", type=int, metavar="N", help="attention heads")
    parser.add_argument("--hidden-dim", type=int, metavar="N", help="channels of the transformer")
    parser.add_argument(
        "--feed-forward-ratio",
        type=float,
        metavar="RATIO",
        help="hidden units of the feed-forward networks per channel",
    )
    parser.add_argument("--dropout", type=float, metavar="P", help="share of units dropped")
    parser.add_argument(
        "--attention",
        choices=("full", "sparse"),
        help="to all codes before; or to those near by and to the same place in earlier frames",
    )
    parser.add_argument(
        "--frame-cond",
        type=int,
        metavar="F",
        help="condition on the first F frames of a clip; 0 for none",
    )
    parser.add_argument(
        "--class-cond", action="store_true", help="condition on the classes of the data"
    )
    parser.add_argument(
        "--action-cond",
        choices=("clip", "frame", "none"),
        help="condition on the actions of the data: on all of a clip as one vector, or causally, "
        "frame by frame, for world models (default: the preset's, for most none)",
    )
    parser.add_argument(
        "--embeddings",
        nargs="?",
        const=STORED,
        metavar="FILE",
        help="condition on embeddings: an .npz file of arrays (l, D) by name of a video or a "
        "class; without FILE those that are stored with the tokens",
    )
    parser.add_argument(
        "--condition-dropout",
        type=float,
        metavar="P",
        help="hide each condition of a clip with this probability, so that `sample` may do without "
        "conditions and has --guidance (default: 0)",
    )
    parser.add_argument(
        "--frame-encoder-depth", type=int, choices=(18, 34), help="layers of the ResNet over frames"
    )
    parser.add_argument(
        "--frame-encoder-width", type=int, metavar="N", help="channels of its features"
    )
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Trains, or goes on with the run in `--out`."""
    distribution = set_up(args.distribute)
    options = chosen(args, settings("prior", args.preset))
    check_counts(options)
    check_run(args, options)
    with distribution.scope():
        tokenizer = load_tokenizer(args.tokenizer)
    from_tokens = is_token_folder(args.data)
    clips: Any  # Clips, EmbeddedClips or StoredTokens
    held_out: Any
    if from_tokens:
        clips, held_out = token_clips(args, tokenizer, options["frame_cond"])
    elif args.embeddings == STORED:
        raise ValueError(f"--embeddings needs a FILE: {args.data} holds videos, not stored tokens.")
    else:
        clips, held_out = training_clips(args, tokenizer.video_shape)
    model_settings = {k: v for k, v in options.items() if k not in TRAINING_SETTINGS}
    model_settings["num_classes"], class_names = None, None
    if args.class_cond:
        class_names = names_of_classes(args.data, clips, held_out)
        model_settings["num_classes"] = len(class_names)
    # Here only if they are given: runs of earlier versions go on.
    action_cond = args.action_cond or model_settings.get("action_conditioning", "none")
    for name in ("action_shape", "action_conditioning"):
        model_settings.pop(name, None)
    if action_cond != "none":
        size = action_size(args, clips, held_out)
        model_settings["action_shape"] = (tokenizer.video_shape[0], size)
        model_settings["action_conditioning"] = action_cond
    if args.embeddings is not None:
        model_settings["embedding_shape"] = clips.embedding_shape
    if args.condition_dropout is not None:
        model_settings["condition_dropout"] = args.condition_dropout

    def build() -> VideoGPT:
        return VideoGPT(
            tokenizer,
            **model_settings,
            class_names=class_names,
            seed=args.seed,
            dtype=args.precision,
            remat=args.remat,
        )

    def make_pictures(folder: Path, tensorboard: TensorBoard):
        names = ("frame_cond", "num_classes", "action_shape", "embedding_shape")
        given = {name: model_settings[name] for name in names if name in model_settings}
        conditions = conditions_of_model(tokenizer.video_shape, **given)
        if not conditions.taken:
            return SamplePictures(folder, tensorboard, PICTURED_CLIPS)
        shown = read_batch(held_out, range(min(PICTURED_CLIPS, len(held_out))))
        if from_tokens:
            shown = decoded(shown, tokenizer)
        return SamplePictures(
            folder,
            tensorboard,
            len(shown["video"]),
            clips=shown["video"] if conditions.frames_shape else None,
            **conditions_of(shown, conditions),
        )

    config = {"kind": "prior", "tokenizer": fingerprint(tokenizer), **model_settings}
    if from_tokens:
        config["tokens"] = token_settings(clips)
    if args.embeddings:
        config["embeddings"] = str(Path(args.embeddings).resolve())
    run_training(
        args,
        distribution,
        options,
        config,
        "videogpt",
        clips,
        held_out,
        build,
        "samples",
        make_pictures,
    )


def names_of_classes(data: str, *splits: Clips | StoredTokens) -> tuple[str, ...]:
    """The classes that a data set has in its splits; `ValueError` if one has none."""
    if not all(clips.store.has_labels for clips in splits):
        raise ValueError(
            f"--class-cond needs classes, and {data} has none: it needs a folder per class, or "
            "labels in the HDF5 file."
        )
    return max((clips.store.class_names for clips in splits), key=len)


def action_size(args: argparse.Namespace, *splits: Clips | StoredTokens) -> int:
    """The numbers of an action of `args.data`; `ValueError` if a split has none, or others."""
    sizes: set[Any] = {clips.store.action_size for clips in splits}
    if None in sizes:
        option = "--action-cond" if args.action_cond else f"--preset {args.preset}"
        raise ValueError(
            f"{option} needs actions, and {args.data} has none: it needs a .actions.npy file "
            "beside every video, or actions in the HDF5 file. --action-cond none does without."
        )
    if len(sizes) > 1:
        raise ValueError(
            f"The actions of {args.data} must have one size; they have {sorted(sizes)}."
        )
    return sizes.pop()
