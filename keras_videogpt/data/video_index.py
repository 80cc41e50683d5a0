"""What is known about the video files of a folder, remembered between runs."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from keras_videogpt.data.prepared import cache_folder
from keras_videogpt.data.video_file import VideoError, VideoInfo, scan_video
from keras_videogpt.paths import as_path, is_remote, write_file

VIDEO_EXTENSIONS = (".avi", ".mp4", ".webm", ".mov", ".mkv", ".gif")
INDEX_NAME = ".keras_videogpt_index.json"
INDEX_VERSION = 1


@dataclasses.dataclass(frozen=True)
class IndexEntry:
    """One video file of a folder.

    Attributes:
        path: path relative to the folder, with forward slashes.
        size: bytes.
        mtime_ns: time of the last change in nanoseconds.
        frames: number of frames that decode; 0 for a broken file.
        height: pixels.
        width: pixels.
        key_frames: tuple of `(frame number, timestamp)`, see `VideoInfo`.
        error: why the file cannot be read, or `None`.
    """

    path: str
    size: int
    mtime_ns: int
    frames: int = 0
    height: int = 0
    width: int = 0
    key_frames: tuple[tuple[int, int], ...] = ()
    error: str | None = None

    @property
    def info(self) -> VideoInfo:
        """The entry as `read_video` takes it."""
        return VideoInfo(self.frames, self.height, self.width, self.key_frames)


def list_videos(folder: str | os.PathLike) -> list[str]:
    """Lists the video files of a folder and its subfolders; hidden ones are left out.

    Args:
        folder: the folder.

    Returns:
        Sorted paths relative to the folder, with forward slashes.

    Raises:
        FileNotFoundError: no such folder, or no video in it.
        NotADirectoryError: a file.

    Example:

    >>> list_videos("videos")
    ['train/a.mp4', 'train/b.mp4']
    """
    folder, accepted = as_path(folder), ", ".join(VIDEO_EXTENSIONS)
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {str(folder)!r} (wanted: {accepted} files)")
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{str(folder)!r} is a file; a folder of videos ({accepted}) is needed"
        )
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.suffix.lower() in VIDEO_EXTENSIONS and path.is_file()
    ]
    videos = sorted(p.as_posix() for p in found if not any(q.startswith(".") for q in p.parts))
    if not videos:
        raise FileNotFoundError(f"{str(folder)!r} holds no video; accepted files: {accepted}")
    return videos


def index_folder(folder: str | os.PathLike, progress: bool = True) -> list[IndexEntry]:
    """Decodes every video of a folder once and remembers what it found.

    The result is stored in the folder, or in `~/.cache/keras_videogpt` where the folder cannot be
    written; later calls decode only files whose size or time of change differs.

    Args:
        folder: the folder; its subfolders are searched too.
        progress: whether to show a progress bar while files are decoded.

    Returns:
        One `IndexEntry` a file, sorted by path; broken files have an `error`.

    Raises:
        FileNotFoundError: no such folder, or no video in it.
        NotADirectoryError: a file.

    Example:

    >>> [entry.frames for entry in index_folder("videos")]
    [100, 100]
    """
    folder = as_path(folder)
    videos = list_videos(folder)
    known = {entry.path: entry for entry in _load(folder)}
    entries, changed = {}, []
    for path in videos:
        version, entry = _version(folder / path), known.get(path)
        if entry and (entry.size, entry.mtime_ns) == version:
            entries[path] = entry
        else:
            changed.append(IndexEntry(path, *version))
    executor = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        scans = [executor.submit(_scan, folder, entry) for entry in changed]
        hidden = not progress or not scans
        for scan in tqdm(as_completed(scans), "Indexing videos", len(scans), disable=hidden):
            entries[scan.result().path] = scan.result()
    finally:
        executor.shutdown(cancel_futures=True)
        if changed or set(known) - set(videos):
            _save(folder, entries.values())
    return [entries[path] for path in videos]


def _version(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change, or what tells versions apart without one."""
    stat = path.stat()
    if is_remote(path) and not stat.st_mtime_ns:
        remote: Any = path
        return stat.st_size, int(remote.fs.ukey(remote.path)[:15], 16)
    return stat.st_size, stat.st_mtime_ns


def _scan(folder: Path, entry: IndexEntry) -> IndexEntry:
    try:
        return dataclasses.replace(entry, **scan_video(folder / entry.path)._asdict())
    except (VideoError, OSError) as error:
        return dataclasses.replace(entry, error=str(error))


def _cache_files(folder: Path) -> tuple[Path, Path]:
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return folder / INDEX_NAME, cache_folder() / f"{key}.json"


def _load(folder: Path) -> list[IndexEntry]:
    for path in _cache_files(folder):
        try:
            stored = json.loads(path.read_text())
            if stored["version"] == INDEX_VERSION:
                return [_entry(**fields) for fields in stored["videos"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # absent or unreadable: the videos themselves are asked again
    return []


def _entry(key_frames: list[list[int]], **fields: Any) -> IndexEntry:
    return IndexEntry(key_frames=tuple((number, time) for number, time in key_frames), **fields)


def _save(folder: Path, entries: Iterable[IndexEntry]) -> None:
    videos = sorted((dataclasses.asdict(entry) for entry in entries), key=lambda e: e["path"])
    text = json.dumps({"version": INDEX_VERSION, "videos": videos})
    for path in _cache_files(folder):
        try:
            write_file(path, lambda file: file.write_text(text))
            return
        except OSError:  # a read-only folder: the next place is tried
            continue
