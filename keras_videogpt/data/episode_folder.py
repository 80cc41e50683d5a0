"""A folder of recorded episodes that a stopped recording can go on with."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.atomic_write import write_atomically
from keras_videogpt.data.video_folder import VideoFolder
from keras_videogpt.data.video_writer import write_mkv_lossless


class EpisodeFolder:
    """A folder of recorded episodes, as `VideoFolder` reads it.

    `train/episode_00000.mkv` (lossless) has `train/episode_00000.actions.npy` beside it, and so
    on; the last episodes are in `test/`. `dataset.json` holds the request and versions,
    `episodes.jsonl` a line an episode that is there. Files are written whole or not at all.

    Args:
        folder: the folder, made if need be.
        request: JSON-able arguments of the recording, among them `episodes` and `test_share`.
        about: JSON-able facts that are kept beside the request, such as versions.

    Attributes:
        lines: the lines of `episodes.jsonl` by the number of their episode.
        num_tests: int, number of episodes of the test split.

    Raises:
        FileExistsError: the folder holds another recording, or other files.

    Example:

    >>> folder = EpisodeFolder("game", {"episodes": 2, "test_share": 0.5}, about={})
    >>> line = folder.write(1, frames, actions, fps=10, seed=7)
    >>> folder.add(line)
    >>> folder.missing()
    [0]
    """

    def __init__(
        self, folder: str | os.PathLike, request: dict[str, Any], about: dict[str, Any]
    ) -> None:
        self.folder = Path(folder)
        self.request = request
        self._claim(about)
        lines = _read_lines(self.folder / "episodes.jsonl")
        self.lines = {line["episode"]: line for line in lines}
        self.num_tests = test_episodes(request["episodes"], request["test_share"])

    def missing(self) -> list[int]:
        """Numbers of the episodes that are not recorded yet."""
        return [e for e in range(self.request["episodes"]) if e not in self.lines]

    def write(
        self, episode: int, frames: np.ndarray, actions: np.ndarray, fps: float, **facts: Any
    ) -> dict[str, Any]:
        """Writes an episode's files.

        Args:
            episode: its number.
            frames: uint8 array (T, H, W, 3).
            actions: float32 array (T, A).
            fps: frames a second.
            **facts: JSON-able facts for its line, such as its seed.

        Returns:
            Its line of `episodes.jsonl`, for `add`.
        """
        split = "test" if episode >= self.request["episodes"] - self.num_tests else "train"
        line = {"episode": episode, "split": split, **facts, "frames": len(frames)}
        video = self.video_path(line)
        video.parent.mkdir(exist_ok=True)
        write_atomically(video.with_suffix(".actions.npy"), lambda path: np.save(path, actions))
        write_atomically(video, lambda path: write_mkv_lossless(path, frames, fps))
        return line

    def add(self, line: dict[str, Any]) -> None:
        """Notes that an episode is there."""
        self.lines[line["episode"]] = line
        with open(self.folder / "episodes.jsonl", "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line))

    def video_path(self, line: dict[str, Any]) -> Path:
        """The video of an episode, given its line."""
        return self.folder / line["split"] / f"episode_{line['episode']:05d}.mkv"

    def stores(self, progress: bool = False) -> dict[str, VideoFolder]:
        """The episodes of each split; `progress` shows a bar while they are indexed."""
        splits = sorted({line["split"] for line in self.lines.values()}, reverse=True)
        if len(splits) == 1:  # `VideoFolder` splits a folder without test/
            return {splits[0]: VideoFolder(self.folder, None, progress)}
        return {split: VideoFolder(self.folder, split, progress) for split in splits}

    def _claim(self, about: dict[str, Any]) -> None:
        """Writes `dataset.json`, or makes sure that the one there is of the same request."""
        record = self.folder / "dataset.json"
        if record.exists():
            before = json.loads(record.read_text()).get("request", {})
            check_same_request(self.folder, before, self.request)
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise FileExistsError(
                f"{str(self.folder)!r} holds other files; take an empty or new folder"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"request": self.request, **about}, indent=2)
        write_atomically(record, lambda path: path.write_text(text + "\n"))


def test_episodes(episodes: int, test_share: float) -> int:
    """Number of episodes, the last ones, that go to the test split.

    Args:
        episodes: number of all episodes.
        test_share: from 0 to 1.

    Returns:
        The number.

    Example:

    >>> test_episodes(100, 0.1)
    10
    """
    if test_share == 0 or episodes < 2:
        return 0
    return max(1, round(episodes * test_share))


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


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # an empty line, or the last one of a run that was killed
    return lines
