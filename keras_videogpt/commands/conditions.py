"""What priors are conditioned on, from options and data sets."""

import argparse
from collections.abc import Iterable

import numpy as np

from keras_videogpt.commands.condition_files import read_actions, read_embeddings, read_frames
from keras_videogpt.data.clips import Clips
from keras_videogpt.models.videogpt import VideoGPT


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Adds `--frames`, `--stride`, `--label`, `--actions` and `--embeddings`."""
    parser.add_argument(
        "--frames",
        metavar="VIDEO",
        help="how clips begin: a video file for all, or an .npz or .npy file of n clips",
    )
    parser.add_argument(
        "--stride",
        type=int,
        default=1,
        metavar="N",
        help="frames of VIDEO, and actions, per frame of a clip (default: 1)",
    )
    parser.add_argument(
        "--label",
        type=class_labels,
        metavar="L",
        help="class of the clips, a number from 0 or a name: one for all, or n as in 0,2,1",
    )
    parser.add_argument(
        "--actions",
        metavar="FILE",
        help="what is done after each frame: an .npy file (T, A) for all clips, or (n, T, A); or "
        "an .npz file of an array `actions`",
    )
    parser.add_argument(
        "--embeddings",
        metavar="FILE",
        help="an .npz file of an array `embeddings`, (L, D) for all clips or (n, L, D), and if not "
        "all of them count `embedding_mask`, bool (L) or (n, L)",
    )


def class_labels(text: str) -> np.ndarray:
    """`"3"` or `"0,2,1"` as an array of integers, other text as one of names."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(
            f"must be the number or the name of a class, or several between commas; got {text!r}"
        )
    try:
        return np.array([int(part) for part in parts], "int64")
    except (ValueError, OverflowError):
        return np.array(parts)


def given_conditions(args: argparse.Namespace, model: VideoGPT) -> dict[str, np.ndarray]:
    """The conditions of `args.n` clips, from the options of `add_conditions`.

    Args:
        args: arguments of the command.
        model: the prior.

    Returns:
        Arguments of `sample`, as far as the prior takes them.

    Raises:
        ValueError: an option is missing, or not taken by the prior, or doesn't fit.
        FileNotFoundError: there is no such file.
    """
    if args.stride < 1:
        raise ValueError(f"--stride must be at least 1; got {args.stride}.")
    conditions = model.conditions
    last_class = (model.num_classes or 0) - 1
    options = {
        "frames": ("--frames", "frames", f"the {first_of(model.frame_cond)} of a clip", "a video"),
        "labels": (
            "--label",
            "classes",
            f"{model.num_classes} classes",
            f"one of 0 to {last_class}",
        ),
        "actions": ("--actions", "actions", conditions.taken.get("actions"), "a file"),
        "embeddings": ("--embeddings", "embeddings", conditions.taken.get("embeddings"), "a file"),
    }
    arrays = {}
    for name, (option, noun, taken, value) in options.items():
        given = getattr(args, option.removeprefix("--")) is not None
        if given and name not in conditions.taken:
            raise ValueError(f"{args.model} is not conditioned on {noun}; leave out {option}.")
        if name in conditions.taken and not given and not conditions.droppable:
            raise ValueError(f"{args.model} is conditioned on {taken}; give {value} with {option}.")
        if given:
            for key, array in _read(name, args, model).items():
                arrays[key] = _for_each_clip(array, args.n, option)
    return arrays


def _read(name, args, model):
    conditions = model.conditions
    if name == "frames":
        return {"frames": read_frames(args.frames, conditions.frames_shape, args.stride)}
    if name == "actions":
        shape, number = conditions.action_shape, conditions.num_actions
        return {"actions": read_actions(args.actions, shape, number, args.stride)}
    if name == "embeddings":
        return read_embeddings(args.embeddings, conditions.embedding_shape)
    _check_labels(args, model)
    return {"labels": args.label}


def _check_labels(args, model):
    if args.label.dtype.kind == "U":
        names = model.class_names or ()
        unknown = [name for name in args.label if name not in names]
        if unknown:
            none = f"numbers, {args.model} has no names"
            known = f"the names {', '.join(names)}" if names else none
            raise ValueError(f"--label takes {known}; got {str(unknown[0])!r}.")
        return
    outside = args.label[(args.label < 0) | (args.label >= model.num_classes)]
    if outside.size:
        raise ValueError(
            f"--label must lie in [0, {model.num_classes - 1}], the classes of {args.model}; "
            f"got {outside[0]}."
        )


def first_of(count: int) -> str:
    """`"first frame"`, `"first 2 frames"`, ..."""
    return "first frame" if count == 1 else f"first {count} frames"


def _for_each_clip(values: np.ndarray, n: int, option: str) -> np.ndarray:
    """One value for each of n clips, where there are n or one for all of them."""
    if len(values) not in (1, n):
        raise ValueError(
            f"{option} must be one for all clips or -n {n} of them; got {len(values)}."
        )
    return np.repeat(values, n, axis=0) if len(values) == 1 else values


def read_batch(clips: Clips, indices: Iterable[int]) -> dict[str, np.ndarray]:
    """Clips as one batch: arrays by the key they have there."""
    items = [clips[index] for index in indices]
    return {name: np.stack([item[name] for item in items]) for name in items[0]}
