"""What recorders of episodes share: going on after a stop, progress, what is written."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.episode_folder import EpisodeFolder
from keras_videogpt.data.hdf5_writer import recording_of, write_hdf5
from keras_videogpt.data.open_videos import HDF5_EXTENSIONS
from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.recording import check_same_request
from keras_videogpt.data.video_file import read_video
from keras_videogpt.data.video_grid import contact_sheet
from keras_videogpt.paths import write_file

SPLITS = ("train", "valid", "test")
SHEET_VIDEOS, SHEET_FRAMES = 8, 10


def record_episodes(
    out: str | os.PathLike,
    request: dict[str, Any],
    about: dict[str, Any],
    play: Callable[[EpisodeFolder, list[int]], Iterable[dict[str, Any]]],
    title: str,
    progress: bool = True,
) -> Path:
    """Records the episodes of a request that are not there yet, and a contact sheet.

    Args:
        out: a folder, see `EpisodeFolder`; or an .h5 or .hdf5 file in the original code's format,
            see `HDF5Videos`. The episodes of a file are collected in a hidden folder beside it,
            which goes once the file is there.
        request: JSON-able arguments of the recording, among them `episodes`, `frames` and
            `test_share`.
        about: JSON-able facts that are kept beside the request, such as versions.
        play: takes an `EpisodeFolder` and the numbers of the missing episodes, writes each of
            them there, and yields their lines.
        title: of the progress bar.
        progress: whether to show a progress bar and, at the end, what was written.

    Returns:
        `out`.

    Raises:
        ImportError: PyAV or h5py is missing.
        FileExistsError: `out` holds another recording, or other files.

    Example:

    >>> record_episodes("game", {"episodes": 2, "frames": 9, "test_share": 0}, {}, play, "Game")
    """
    optional_import("av", "video")
    out = Path(out)
    is_file = out.suffix.lower() in HDF5_EXTENSIONS
    place = out.with_name(f".{out.name}.episodes") if is_file else out
    sheet = out.with_suffix(".contact_sheet.png") if is_file else out / "contact_sheet.png"
    if is_file:
        optional_import("h5py", "hdf5")
        if out.exists():
            check_same_request(out, recording_of(out).get("request", {}), request)
            return out
    folder = EpisodeFolder(place, request, about)
    missing = folder.missing()
    total = len(missing) * request["frames"]
    with tqdm(total=total, desc=title, unit=" frames", disable=not progress) as bar:
        for line in play(folder, missing):
            folder.add(line)
            bar.update(line["frames"])
    write_file(sheet, lambda path: contact_sheet(_sheet_videos(folder), path))
    if is_file:
        write_hdf5(out, folder.stores(progress), {"request": request, **about})
        shutil.rmtree(place)
    if progress:
        short = sum(line["frames"] < request["frames"] for line in folder.lines.values())
        shorter = f"; {short} of them shorter than {request['frames']} frames" if short else ""
        splits = Counter(line["split"] for line in folder.lines.values())
        counts = ", ".join(f"{splits[split]} {split}" for split in SPLITS if splits[split])
        print(f"Wrote {out}: {counts} episodes{shorter}")
        print(f"Wrote {sheet}")
    return out


def _sheet_videos(folder: EpisodeFolder) -> np.ndarray:
    """Frames, evenly spread, of the first of the longest episodes."""
    lines = [folder.lines[episode] for episode in sorted(folder.lines)]
    length = max(line["frames"] for line in lines)
    longest = [line for line in lines if line["frames"] == length][:SHEET_VIDEOS]
    chosen = np.linspace(0, length - 1, min(SHEET_FRAMES, length)).astype(int)
    return np.stack([read_video(folder.video_path(line))[chosen] for line in longest])
