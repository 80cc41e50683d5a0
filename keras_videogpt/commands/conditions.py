"""What priors are conditioned on, from files, options and data sets."""

import argparse
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_videogpt.data.clips import Clips
from keras_videogpt.data.transforms import center_crop, resize_shorter_side
from keras_videogpt.data.video_file import read_video
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.paths import as_path, local_copy


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Adds `--frames`, `--stride` and `--label`."""
    parser.add_argument(
        "--frames",
        metavar="VIDEO",
        help="how clips begin: a video file for all, or an .npz or .npy file of n clips",
    )
    parser.add_argument(
        "--stride", type=int, default=1, help="frames of VIDEO per frame of a clip (default: 1)"
    )
    parser.add_argument(
        "--label",
        type=class_indices,
        metavar="L",
        help="class of the clips, from 0: one for all, or n as in 0,2,1",
    )


def class_indices(text: str) -> np.ndarray:
    """`"3"` or `"0,2,1"` as an array of integers."""
    try:
        return np.array([int(part) for part in text.split(",")], "int64")
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"must be the index of a class, or several between commas; got {text!r}"
        ) from error


def given_conditions(args: argparse.Namespace, model: VideoGPT) -> dict[str, np.ndarray]:
    """The conditions of `args.n` clips, from `--frames` and `--label`.

    Args:
        args: arguments of the command.
        model: the prior.

    Returns:
        Arguments `frames` and `labels` of `sample`, as far as the prior takes them.

    Raises:
        ValueError: an option is missing, or not taken by the prior, or doesn't fit.
        FileNotFoundError: there is no such file.
    """
    if model.frame_cond and args.frames is None:
        raise ValueError(
            f"{args.model} is conditioned on the {first_of(model.frame_cond)} of a clip; give a "
            "video with --frames."
        )
    if model.num_classes and args.label is None:
        raise ValueError(
            f"{args.model} is conditioned on {model.num_classes} classes; give one with --label, "
            f"from 0 to {model.num_classes - 1}."
        )
    conditions = {}
    if args.frames is not None:
        if not model.frame_cond:
            raise ValueError(f"{args.model} is not conditioned on frames; leave out --frames.")
        conditions["frames"] = _for_each_clip(first_frames(args, model), args.n, "--frames")
    if args.label is not None:
        if not model.num_classes:
            raise ValueError(f"{args.model} is not conditioned on classes; leave out --label.")
        outside = args.label[(args.label < 0) | (args.label >= model.num_classes)]
        if outside.size:
            raise ValueError(
                f"--label must lie in [0, {model.num_classes - 1}], the classes of {args.model}; "
                f"got {outside[0]}."
            )
        conditions["labels"] = _for_each_clip(args.label, args.n, "--label")
    return conditions


def first_frames(args: argparse.Namespace, model: VideoGPT) -> np.ndarray:
    """The first frames of the clips in `--frames`, scaled and cropped to the prior's size.

    Args:
        args: arguments of the command.
        model: a prior conditioned on frames.

    Returns:
        uint8 `(clips, F, H, W, 3)`.
    """
    count, height, width, _ = model.conditions.frames_shape
    if args.stride < 1:
        raise ValueError(f"--stride must be at least 1; got {args.stride}.")
    path = as_path(args.frames)
    if not path.is_file():
        raise FileNotFoundError(f"--frames: there is no file {args.frames}.")
    try:
        videos = read_clips(path, count, args.stride)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"--frames {args.frames} can't be used: {error}") from error
    size = (height, width)
    return np.stack([center_crop(resize_shorter_side(video, size), size) for video in videos])


def read_clips(path: Path, count: int, stride: int) -> np.ndarray:
    """The first `count` frames, `stride` apart, of every clip in a file.

    Args:
        path: a video file; or an .npy or .npz file (its array `videos`) of uint8
            `(T, H, W, 3)` or `(n, T, H, W, 3)`.
        count: number of frames.
        stride: distance between two of them.

    Returns:
        uint8 `(n, count, H, W, 3)`.
    """
    if path.suffix.lower() not in (".npz", ".npy"):
        return read_video(path, count=count, stride=stride)[None]
    with local_copy(path) as file:
        videos = np.load(file, allow_pickle=False)
        if path.suffix.lower() == ".npz":
            if "videos" not in videos:
                raise ValueError(f"it must hold the array 'videos'; it has {sorted(videos)}.")
            videos = videos["videos"]
    if videos.dtype != np.uint8 or videos.ndim not in (4, 5) or videos.shape[-1] != 3:
        raise ValueError(
            "it must hold uint8 (T, H, W, 3) or (n, T, H, W, 3); "
            f"got {videos.dtype} {videos.shape}."
        )
    videos = videos[None] if videos.ndim == 4 else videos
    frames = videos[:, ::stride][:, :count]
    if not frames.size or frames.shape[1] < count:
        raise ValueError(
            f"{count} frames at --stride {stride} are needed of each clip; got {videos.shape}."
        )
    return frames


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


def conditions_of(
    batch: dict[str, np.ndarray], frame_cond: int = 0, num_classes: int | None = None
) -> dict[str, np.ndarray]:
    """The conditions of the clips of a batch.

    Args:
        batch: `video`, and `label` where the data has classes.
        frame_cond, num_classes: of the prior.

    Returns:
        Arguments `frames` and `labels` of `sample`, as far as the prior takes them.

    Raises:
        ValueError: the data has no classes, and the prior takes them.
    """
    if num_classes and "label" not in batch:
        raise ValueError(
            f"The prior is conditioned on {num_classes} classes, and the data has none: it needs "
            "a folder per class, or labels in the HDF5 file."
        )
    frames = {"frames": batch["video"][:, :frame_cond]} if frame_cond else {}
    return frames | ({"labels": batch["label"]} if num_classes else {})
