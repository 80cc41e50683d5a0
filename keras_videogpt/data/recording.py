"""Folders that a data set is written to, video by video, and that a stopped run goes on with."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.video_writer import write_mkv_lossless
from keras_videogpt.paths import write_file

RECORD_NAME = "dataset.json"


def claim_folder(
    out: str | os.PathLike,
    request: dict[str, Any],
    details: dict[str, Any] | None = None,
    defaults: dict[str, Any] | None = None,
) -> Path:
    """Writes `dataset.json` into a new folder, or makes sure that the one there asks the same.

    Args:
        out: the folder; made if need be.
        request: what the folder is to hold; JSON-able.
        details: what else the new file is to say.
        defaults: values of what older files leave out.

    Returns:
        The folder.

    Raises:
        FileExistsError: the folder holds another data set, or other files.

    Example:
        >>> claim_folder("digits", {"seed": 0}).name
        'digits'
    """
    out = Path(out)
    record = out / RECORD_NAME
    request = json.loads(json.dumps(request))
    if record.exists():
        before = {**(defaults or {}), **json.loads(record.read_text()).get("request", {})}
        check_same_request(out, before, request)
        return out
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{str(out)!r} holds other files; take an empty or new folder")
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"request": request, **(details or {})}, indent=2)
    write_file(record, lambda path: path.write_text(text + "\n"))
    return out


def check_same_request(path: Path, before: dict[str, Any], request: dict[str, Any]) -> None:
    """Makes sure that what is there was recorded with the same arguments.

    Args:
        path: what is there, for the error.
        before: the arguments of its recording.
        request: the arguments now.

    Raises:
        FileExistsError: they differ.

    Example:
        >>> check_same_request(Path("game"), {"seed": 1}, {"seed": 1})
    """
    changed = [key for key in request if before.get(key) != request[key]]
    if changed:
        differences = ", ".join(f"{key}={before.get(key)!r} there" for key in changed)
        raise FileExistsError(
            f"{str(path)!r} holds another recording ({differences}). "
            f"Received: {', '.join(f'{key}={request[key]!r}' for key in changed)}; "
            "take another name or the same arguments"
        )


def write_episode(
    path: Path, video: np.ndarray, actions: np.ndarray | None = None, fps: float = 10
) -> None:
    """Writes a video without loss, after its actions, so that no video is ever without them.

    Args:
        path: the .mkv file; its folder is made if need be.
        video: uint8 (T, H, W, 3).
        actions: optional, float32 (T, A), written beside it as `NAME.actions.npy`.
        fps: frames a second.

    Example:
        >>> write_episode(Path("a.mkv"), np.zeros((16, 64, 64, 3), "uint8"))
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if actions is not None:
        write_file(path.with_suffix(".actions.npy"), lambda hidden: np.save(hidden, actions))
    write_file(path, lambda hidden: write_mkv_lossless(hidden, video, fps))


def link_video(path: Path, target: Path) -> None:
    """Makes a link to a video, or a copy where the file system has no links.

    Args:
        path: the link; its folder is made if need be.
        target: the video.

    Example:
        >>> link_video(Path("train/a.gif"), Path("a.gif"))
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    hidden.unlink(missing_ok=True)
    try:
        hidden.symlink_to(target.resolve())
    except OSError:
        shutil.copyfile(target, hidden)
    os.replace(hidden, path)


def held_out(index: int) -> bool:
    """Whether video `index` of a data set without splits is a test video: every tenth is.

    Args:
        index: from 0.

    Returns:
        `True` for 9, 19, 29, ...

    Example:
        >>> [i for i in range(30) if held_out(i)]
        [9, 19, 29]
    """
    return index % 10 == 9
