"""Files that hold the conditions of clips to sample."""

import zipfile
from pathlib import Path

import numpy as np

from keras_videogpt.data.transforms import center_crop, resize_shorter_side
from keras_videogpt.data.video_file import read_video
from keras_videogpt.paths import as_path, local_copy


def read_frames(path: str, shape: tuple[int, ...], stride: int) -> np.ndarray:
    """The first frames of the clips in a file, scaled and cropped to a size.

    Args:
        path: a video file; or an .npy or .npz file, see `read_clips`.
        shape: wanted `(F, H, W, 3)`.
        stride: frames of the file per frame of a clip.

    Returns:
        uint8 `(clips, F, H, W, 3)`.
    """
    count, height, width, _ = shape
    videos = _read("--frames", path, lambda path: read_clips(path, count, stride))
    size = (height, width)
    return np.stack([center_crop(resize_shorter_side(video, size), size) for video in videos])


def read_actions(
    path: str, shape: tuple[int, ...], num_actions: int | None, stride: int
) -> np.ndarray:
    """The actions of the clips in a file.

    Args:
        path: an .npy or .npz file (its array `actions`) of `(T, A)` or `(n, T, A)`, or without A
            for discrete actions of one number; what is longer is cut, as frames are.
        shape: wanted `(T, A)`, or `(T,)`.
        num_actions: number of discrete actions; `None` for continuous ones.
        stride: rows of the file per frame of a clip.

    Returns:
        float32, or integers where they are discrete, `(clips, *shape)`.
    """

    def read(path):
        actions = _array(path, "actions")
        actions = actions[None] if actions.ndim == len(shape) else actions
        if actions.ndim == len(shape) + 1:
            actions = actions[:, ::stride][:, : shape[0]]
        if actions.shape[1:] != shape or actions.dtype.kind not in ("iu" if num_actions else "fiu"):
            kind = "integers" if num_actions else "numbers"
            raise ValueError(
                f"it must hold {kind} {shape} or (n, {str(shape)[1:]} at --stride {stride}; "
                f"got {actions.dtype} {actions.shape}."
            )
        return actions if num_actions else actions.astype("float32")

    return _read("--actions", path, read)


def read_embeddings(path: str, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """The embeddings of the clips in a file, and which of them are there.

    Args:
        path: an .npz file of arrays `embeddings`, `(l, D)` or `(n, l, D)` with l up to L, and, if
            not all are there, `embedding_mask`, bool of the same first axes; or an .npy file of the
            first alone.
        shape: wanted `(L, D)`.

    Returns:
        `embeddings`, float32 `(clips, L, D)`, and `embedding_mask`, bool `(clips, L)`.
    """

    def read(path):
        embeddings = _array(path, "embeddings")
        mask = np.ones(embeddings.shape[:-1], "bool")
        if path.suffix.lower() == ".npz" and "embedding_mask" in np.load(path):
            mask = _array(path, "embedding_mask")
        if embeddings.ndim == 2:
            embeddings, mask = embeddings[None], mask[None]
        length, size = shape
        if (
            embeddings.ndim != 3
            or embeddings.dtype.kind not in "fiu"
            or embeddings.shape[1] > length
            or embeddings.shape[2] != size
        ):
            raise ValueError(
                f"it must hold numbers (l, {size}) or (n, l, {size}), l up to {length}; "
                f"got {embeddings.dtype} {embeddings.shape}."
            )
        if mask.dtype != bool or mask.shape != embeddings.shape[:2]:
            raise ValueError(
                f"its embedding_mask must be bool {embeddings.shape[:2]}; "
                f"got {mask.dtype} {mask.shape}."
            )
        missing = (0, length - embeddings.shape[1])
        return {
            "embeddings": np.pad(embeddings.astype("float32"), ((0, 0), missing, (0, 0))),
            "embedding_mask": np.pad(mask, ((0, 0), missing)),
        }

    return _read("--embeddings", path, read)


def _read(option, path, read):
    path = as_path(path)
    if not path.is_file():
        is_folder = ", which is a folder" if path.is_dir() else ""
        raise FileNotFoundError(f"{option}: there is no file {path}{is_folder}.")
    try:
        with local_copy(path) as file:
            return read(file)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{option} {path} can't be used: {error}") from error


def _array(path, name):
    try:
        arrays = np.load(path, allow_pickle=False)
    except ValueError as error:  # it offers to read a pickle
        raise ValueError("it is neither an .npy nor an .npz file of numbers.") from error
    if path.suffix.lower() != ".npz":
        return arrays
    if name not in arrays:
        raise ValueError(f"it must hold the array {name!r}; it has {sorted(arrays)}.")
    return arrays[name]


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
    videos = _array(path, "videos")
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
