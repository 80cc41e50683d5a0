"""Arguments that several commands share, and what they mean."""

import argparse
from collections.abc import Callable
from functools import partial

import keras

from keras_videogpt.backend import BACKENDS
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.embedded_clips import EmbeddedClips, read_embeddings
from keras_videogpt.data.named_augmentations import NAMED, named_augmentation
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.distribution.strategy import NAMES
from keras_videogpt.models.load import load
from keras_videogpt.models.vqvae import VQVAE

DATA_HELP = "folder of videos, HDF5 file, tfds:NAME, or a data preset that was prepared"
TOKENIZER_HELP = "a VQVAE: .keras file, or run folder"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Adds `--backend` and `--debug`, which every command takes."""
    parser.add_argument("--backend", choices=BACKENDS, help="Keras backend (KERAS_BACKEND)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def add_training(parser: argparse.ArgumentParser) -> None:
    """Adds what both `train` commands take; a preset gives the defaults that are not set here."""
    parser.add_argument("data", metavar="DATA", help=f"{DATA_HELP}; for a prior also stored tokens")
    parser.add_argument(
        "--out", required=True, metavar="RUN", help="run folder; a run that is there goes on"
    )
    parser.add_argument(
        "--preset",
        default="paper",
        help="gives the settings that are not given here: paper, original, demo, or a data "
        "preset's name (default: paper)",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="training steps")
    parser.add_argument("--save-every", type=int, metavar="STEPS", help="steps between checkpoints")
    parser.add_argument("--batch-size", type=int, metavar="N", help="clips per batch")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="Adam's learning rate")
    parser.add_argument("--schedule", choices=("constant", "cosine"), help="of the learning rate")
    parser.add_argument(
        "--warm-up", type=int, default=0, metavar="STEPS", help="in which the learning rate rises"
    )
    parser.add_argument(
        "--clip-norm", type=float, metavar="NORM", help="longest gradient, over all weights"
    )
    parser.add_argument(
        "--accumulate",
        type=int,
        default=1,
        metavar="N",
        help="batches, each a step, per update of the weights (default: 1)",
    )
    parser.add_argument(
        "--ema",
        type=float,
        metavar="DECAY",
        help="average the weights, such as by 0.999 per update: for validation, pictures and the "
        "model that is written; checkpoints have both",
    )
    add_clips(parser)
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of the layers (default: float32)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, clips and dropout (default: 0)"
    )
    parser.add_argument(
        "--workers", type=int, default=4, metavar="N", help="reading threads (default: 4)"
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=2,
        metavar="N",
        help="newest checkpoints to keep, beside the best (default: 2)",
    )
    parser.add_argument(
        "--remat",
        action="store_true",
        help="compute activations again instead of keeping them: less memory, more time; a run "
        "that goes on does as it began",
    )
    parser.add_argument(
        "--steps-per-execution",
        type=int,
        default=1,
        metavar="N",
        help="steps between two looks at them; divides --save-every (default: 1)",
    )
    parser.add_argument(
        "--jit",
        action=argparse.BooleanOptionalAction,
        help="compile steps with XLA (default: Keras decides)",
    )
    parser.add_argument(
        "--distribute",
        choices=NAMES,
        default="none",
        help="train on several devices: `data` divides each batch among the devices of this "
        "machine, and of the workers that the backend's environment names (TF_CONFIG; "
        "KERAS_DISTRIBUTION_...; torchrun); `model` divides a prior's weights among devices "
        "(default: none)",
    )


def add_clips(parser: argparse.ArgumentParser) -> None:
    """Adds how clips are cut from videos, and changed."""
    parser.add_argument(
        "--stride",
        type=int,
        default=1,
        metavar="N",
        help="video frames per frame of a clip (default: 1)",
    )
    parser.add_argument(
        "--crop",
        choices=("center", "random"),
        default="center",
        help="where training clips are cut from larger frames (default: center)",
    )
    parser.add_argument("--flip", action="store_true", help="mirror half of the training clips")
    parser.add_argument(
        "--augment",
        nargs="+",
        choices=tuple(NAMED),
        metavar="NAME",
        help=f"change training clips at random, in one or more ways: {', '.join(NAMED)}",
    )


def chosen(args: argparse.Namespace, settings: dict) -> dict:
    """Settings of a preset, overridden by the arguments that were given."""
    given = {name: getattr(args, name, None) for name in settings}
    return {name: value if given[name] is None else given[name] for name, value in settings.items()}


def check_counts(settings: dict) -> None:
    """Makes `steps` a multiple of `save_every`; raises `ValueError` for what is below 1."""
    for name in ("steps", "save_every", "batch_size"):
        if settings[name] < 1:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be at least 1; got {settings[name]}.")
    if not settings["learning_rate"] > 0:
        raise ValueError(f"--learning-rate must be above 0; got {settings['learning_rate']}.")
    save_every = min(settings["save_every"], settings["steps"])
    settings["save_every"] = save_every
    settings["steps"] = -(-settings["steps"] // save_every) * save_every


def check_run(args: argparse.Namespace, settings: dict) -> None:
    """Raises `ValueError` for optimizer and execution arguments that are out of range."""
    accepted = {
        "warm_up": (0 <= args.warm_up <= settings["steps"], f"in [0, {settings['steps']}]"),
        "clip_norm": (args.clip_norm is None or args.clip_norm > 0, "above 0"),
        "accumulate": (args.accumulate >= 1, "at least 1"),
        "ema": (args.ema is None or 0 <= args.ema < 1, "in [0, 1)"),
        "keep": (args.keep >= 1, "at least 1"),
        "steps_per_execution": (
            args.steps_per_execution >= 1
            and settings["save_every"] % args.steps_per_execution == 0,
            f"a divisor of --save-every {settings['save_every']}",
        ),
    }
    for name, (holds, range_) in accepted.items():
        if not holds:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be {range_}; got {getattr(args, name)}.")
    if keras.backend.backend() == "torch" and (args.jit or args.steps_per_execution > 1):
        option = "--jit" if args.jit else "--steps-per-execution"
        raise ValueError(f"{option} is for TensorFlow and JAX; Keras has no such thing on PyTorch.")


def clip_maker(embeddings: str | None) -> Callable[..., Clips]:
    """What makes clips of a store: with the embeddings of a file, if there is one."""
    if embeddings is None:
        return Clips
    return partial(EmbeddedClips, embeddings=read_embeddings(embeddings))


def clip_options(args: argparse.Namespace, video_shape: tuple[int, ...]) -> tuple[dict, dict]:
    """Arguments of `Clips`: of all clips, and what training clips have beside these."""
    frames, height, width, _ = video_shape
    training = {
        "crop": args.crop,
        "flip": args.flip,
        "seed": args.seed,
        "augment": named_augmentation(args.augment) if args.augment else None,
    }
    return {"num_frames": frames, "size": (height, width), "stride": args.stride}, training


def training_clips(args: argparse.Namespace, video_shape: tuple[int, ...]) -> tuple[Clips, Clips]:
    """Training clips, anywhere in their videos, and validation clips, from the start of theirs."""
    make_clips = clip_maker(getattr(args, "embeddings", None))
    options, training = clip_options(args, video_shape)
    clips = make_clips(open_videos(args.data, "train"), **options, **training, start="random")
    return clips, make_clips(open_videos(args.data, "valid"), **options, start="first")


def load_tokenizer(path: str) -> VQVAE:
    """The `VQVAE` of `--tokenizer`; raises `ValueError` for another model."""
    tokenizer = load(path)
    if not isinstance(tokenizer, VQVAE):
        raise ValueError(f"--tokenizer must be a VQVAE; {path} is a VideoGPT.")
    return tokenizer
