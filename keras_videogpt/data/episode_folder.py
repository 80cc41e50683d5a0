"""A folder of recorded episodes that a stopped recording can go on with."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.recording import claim_folder, write_episode
from keras_videogpt.data.video_folder import VideoFolder


class EpisodeFolder:
    """A folder of recorded episodes, as `VideoFolder` reads it.

    `train/episode_00000.mkv` (lossless) has `train/episode_00000.actions.npy` beside it, and so
    on; the last episodes are in `test/`, those before them in `valid/` if there is such a share.
    `dataset.json` holds the request and versions, `episodes.jsonl` a line an episode that is there.
    Files are written whole or not at all.

    Args:
        folder: the folder, made if need be.
        request: JSON-able arguments of the recording, among them `episodes`,
            `test_share` and perhaps `valid_share`.
        about: JSON-able facts that are kept beside the request, such as versions.

    Attributes:
        lines: the lines of `episodes.jsonl` by the number of their episode.

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
        claim_folder(self.folder, request, about, defaults={"valid_share": 0.0})
        lines = _read_lines(self.folder / "episodes.jsonl")
        self.lines = {line["episode"]: line for line in lines}

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
        request = self.request
        shares = request["test_share"], request.get("valid_share", 0.0)
        split = split_of(episode, request["episodes"], *shares)
        line = {"episode": episode, "split": split, **facts, "frames": len(frames)}
        write_episode(self.video_path(line), frames, actions, fps)
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


def split_of(episode: int, episodes: int, test_share: float, valid_share: float = 0.0) -> str:
    """The split of an episode: the last ones are for testing, those before them for validation.

    Args:
        episode: from 0.
        episodes: number of all episodes.
        test_share: from 0 to 1.
        valid_share: from 0 to 1.

    Returns:
        `"train"`, `"valid"` or `"test"`.

    Example:

    >>> [split_of(i, 10, 0.1, 0.1) for i in (0, 7, 8, 9)]
    ['train', 'train', 'valid', 'test']
    """
    first_test = episodes - _share_of(episodes, test_share)
    if episode >= first_test:
        return "test"
    return "valid" if episode >= first_test - _share_of(episodes, valid_share) else "train"


def _share_of(episodes, share):
    return max(1, round(episodes * share)) if share and episodes > 1 else 0


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # an empty line, or the last one of a run that was killed
    return lines
