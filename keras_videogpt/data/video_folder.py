"""A folder of video files as a store."""

import os
import warnings
from pathlib import Path, PurePosixPath

import numpy as np

from keras_videogpt.data.store import VideoStore
from keras_videogpt.data.video_file import read_video
from keras_videogpt.data.video_index import IndexEntry, index_folder
from keras_videogpt.paths import as_path, is_remote

SPLITS = ("train", "valid", "test")


class VideoFolder(VideoStore):
    """The videos of a folder: avi, mp4, webm, mov, mkv and gif files.

    Understood layouts, with and without the folders `train/`, `valid/` and `test/`:

    - `train/x.mp4`, or `x.mp4`: videos without labels;
    - `train/CLASS/x.mp4`, or `CLASS/x.mp4`, two classes or more: videos with labels. The label is
      the place of the class among the sorted names of all splits.

    A folder without `test/` is split here: every tenth of its sorted videos (the last one where
    there are fewer than ten) is held out as the test split. Without `valid/`, the test split is the
    validation split too. A file `x.actions.npy` beside each
    video, float (frames, A), holds the actions. Files that cannot be read are skipped with one
    warning and listed in `skipped`.

    Args:
        folder: the folder.
        split: `"train"`, `"valid"`, `"test"`, or `None` for all videos.
        progress: whether to show a progress bar while new files are indexed.

    Raises:
        FileNotFoundError: no such folder, no video in it, or none in the split.
        NotADirectoryError: `folder` is a file.
        ValueError: unknown split, no video that can be read, or actions that do not fit.

    Example:

    >>> store = VideoFolder("videos", split="train")
    >>> store.frames(0, start=10, count=16).shape
    (16, 120, 160, 3)
    """

    def __init__(
        self, folder: str | os.PathLike, split: str | None = None, progress: bool = True
    ) -> None:
        if split not in (None, *SPLITS):
            raise ValueError(
                f"`split` must be 'train', 'valid', 'test' or None. Received: split={split!r}"
            )
        self.folder = as_path(folder)
        self.split = split
        self.skipped: list[tuple[str, str]] = []
        entries = self._of_split(index_folder(folder, progress))
        entries = self._with_fitting_actions(entries)
        if not entries:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.skipped[:3])
            raise ValueError(f"No video in {str(folder)!r} can be used. {reasons}")
        self._entries = entries
        if self.skipped:
            names = ", ".join(f"{name} ({reason})" for name, reason in self.skipped[:3])
            warnings.warn(
                f"{len(self.skipped)} of the videos in {str(folder)!r} are skipped: {names}"
                f"{', ...' if len(self.skipped) > 3 else ''}",
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self._entries)

    def num_frames(self, index: int) -> int:
        return self._entries[index].frames

    def frames(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray:
        self.frame_slice(index, start, count, stride)
        entry = self._entries[index]
        return read_video(self.folder / entry.path, start, count, stride, entry.info)

    def name(self, index: int) -> str:
        return self._entries[index].path

    def label(self, index: int) -> int | None:
        if not self.class_names:
            return None
        return self.class_names.index(self._class_name(self._entries[index]))

    def actions(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray | None:
        if not self.has_actions:
            return None
        wanted = self.frame_slice(index, start, count, stride)
        return np.array(_load_actions(self._actions_path(self._entries[index]))[wanted], "float32")

    def _of_split(self, entries: list[IndexEntry]) -> list[IndexEntry]:
        """The readable entries of the split; sets `class_names` from all splits."""
        present = {_parts(e)[0] for e in entries if len(_parts(e)) > 1} & {*SPLITS}
        self._depth = 1 if present else 0
        if present:
            strays = [e.path for e in entries if _parts(e)[0] not in present]
            places = " and ".join(f"{split}/" for split in SPLITS if split in present)
            self.skipped += [(path, f"lies outside {places}") for path in strays]
            entries = [e for e in entries if _parts(e)[0] in present]
        split = "test" if self.split == "valid" and "valid" not in present else self.split
        if split == "valid" or ("test" in present and split is not None):
            chosen = [e for e in entries if _parts(e)[0] == split]
            if not chosen:
                raise FileNotFoundError(f"{str(self.folder)!r} holds no video in {split}/")
        else:
            others = [e for e in entries if split is None or _parts(e)[0] != "valid"]
            chosen = self._held_out([e for e in others if e.error is None], split)
            chosen += [e for e in others if e.error is not None]
        if all(self._class_name(entry) for entry in chosen):
            found = map(self._class_name, entries)
            names = {name for name in found if name is not None}
            self.class_names = tuple(sorted(names)) if len(names) > 1 else ()
        self.skipped += [(e.path, e.error) for e in chosen if e.error is not None]
        return [e for e in chosen if e.error is None]

    def _held_out(self, entries: list[IndexEntry], split: str | None) -> list[IndexEntry]:
        """Train or test part of a folder that comes without a `test/` folder."""
        if split is None or not entries:
            return entries
        if split == "test" and len(entries) == 1:
            raise ValueError(
                f"{str(self.folder)!r} holds one video, so none can be held out as the test "
                "split; add a second one or a test/ folder"
            )
        last = len(entries) - 1
        held_out = set(range(9, len(entries), 10)) or ({last} if last else set())
        return [e for i, e in enumerate(entries) if (i in held_out) == (split == "test")]

    def _class_name(self, entry: IndexEntry) -> str | None:
        folders = _parts(entry)[self._depth : -1]
        return folders[0] if folders else None

    def _actions_path(self, entry: IndexEntry) -> Path:
        return (self.folder / entry.path).with_suffix(".actions.npy")

    def _with_fitting_actions(self, entries: list[IndexEntry]) -> list[IndexEntry]:
        """The entries whose actions fit; sets `action_size`."""
        missing = [e.path for e in entries if not self._actions_path(e).is_file()]
        if len(missing) == len(entries):
            return entries
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(entries)} videos in {str(self.folder)!r} have no "
                f".actions.npy file beside them, the others do; the first: {missing[0]}"
            )
        fitting, sizes = [], {}
        for entry in entries:
            try:
                actions = _load_actions(self._actions_path(entry))
                if len(actions) < entry.frames:
                    raise ValueError(f"{len(actions)} actions for {entry.frames} frames")
            except ValueError as error:
                self.skipped.append((entry.path, f"actions do not fit: {error}"))
            else:
                fitting.append(entry)
                sizes.setdefault(actions.shape[1], entry.path)
        if len(sizes) > 1:
            raise ValueError(
                "All actions must have the same length. Received: "
                + ", ".join(f"{size} ({path})" for size, path in sizes.items())
            )
        self.action_size = next(iter(sizes), None)
        return fitting


def _parts(entry: IndexEntry) -> tuple[str, ...]:
    return PurePosixPath(entry.path).parts


def _load_actions(path: Path) -> np.ndarray:
    if is_remote(path):
        with path.open("rb") as file:
            actions = np.load(file, allow_pickle=False)
    else:
        actions = np.load(path, mmap_mode="r", allow_pickle=False)
    if actions.ndim != 2 or actions.dtype.kind not in "fiu":
        raise ValueError(f"need numbers (frames, A), got {actions.dtype} {actions.shape}")
    return actions
