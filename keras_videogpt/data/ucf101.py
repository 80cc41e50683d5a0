"""UCF-101 by its official split files."""

import os
from pathlib import Path

from tqdm import tqdm

from keras_videogpt.data.recording import claim_folder, link_video

LISTS = {"train": "trainlist{:02d}.txt", "test": "testlist{:02d}.txt"}


def link_ucf101(
    out: str | os.PathLike,
    videos: str | os.PathLike,
    split_files: str | os.PathLike,
    number: int = 1,
    limit: int | None = None,
    progress: bool = True,
) -> list[str]:
    """Lays out UCF-101 for `VideoFolder` along an official split: `train/CLASS/x.avi`, `test/...`.

    The videos stay where they are and are linked to.

    Args:
        out: the folder to write.
        videos: folder of the videos, `CLASS/x.avi`.
        split_files: folder of `classInd.txt`, `trainlist01.txt`, `testlist01.txt`, ...
        number: which split: 1, 2 or 3.
        limit: at most so many videos of a split; `None` for all.
        progress: whether to show a progress bar.

    Returns:
        Videos of the lists that are not in `videos`; linked by a later call if they are by then.

    Raises:
        FileNotFoundError: no such folder, a split file is missing, or none of the videos is there.
        ValueError: a line of a split file is not as it must be.

    Example:
        >>> missing = link_ucf101("ucf101", "UCF-101", "ucfTrainTestlist")
    """
    videos = Path(videos)
    if not videos.is_dir():
        raise FileNotFoundError(f"There is no folder of UCF-101 videos {str(videos)!r}.")
    lists = read_split_files(split_files, number)
    chosen = [(split, name) for split, names in lists.items() for name in names[:limit]]
    found = [(split, name) for split, name in chosen if (videos / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"{str(videos)!r} holds none of the {len(chosen)} videos of the split files; the "
            f"first is {chosen[0][1]}."
        )
    out = claim_folder(
        out, {"preset": "ucf101", "videos": str(videos.resolve()), "split number": number}
    )
    for split, name in tqdm(found, "Linking videos", disable=not progress):
        if not (out / split / name).exists():
            link_video(out / split / name, videos / name)
    return [name for split, name in chosen if (split, name) not in set(found)]


def read_split_files(folder: str | os.PathLike, number: int = 1) -> dict[str, list[str]]:
    """Reads the class table and the two lists of an official split.

    Args:
        folder: folder of `classInd.txt`, `trainlist01.txt`, `testlist01.txt`, ...
        number: which split: 1, 2 or 3.

    Returns:
        For `train` and `test`, the videos as `CLASS/x.avi`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a class or label that the table does not have, or a video in both lists.

    Example:
        >>> read_split_files("ucfTrainTestlist")["train"][0]
        'ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi'
    """
    if number not in (1, 2, 3):
        raise ValueError(f"The split number must be 1, 2 or 3; got {number}.")
    folder = Path(folder)
    labels = {}
    for place, line in _lines(folder / "classInd.txt"):
        label, _, name = line.partition(" ")
        if not label.isdigit() or not name:
            raise ValueError(f"{place}: a line must be LABEL CLASS; got {line!r}.")
        labels[name.strip()] = int(label)
    lists = {}
    for split, pattern in LISTS.items():
        lists[split] = []
        for place, line in _lines(folder / pattern.format(number)):
            name, _, label = line.partition(" ")
            class_name = name.partition("/")[0]
            if class_name not in labels or name.count("/") != 1:
                raise ValueError(
                    f"{place}: {name!r} is no video CLASS/x.avi of the {len(labels)} classes in "
                    "classInd.txt."
                )
            if label.strip() and label.strip() != str(labels[class_name]):
                raise ValueError(
                    f"{place}: {class_name} has the label {labels[class_name]} in classInd.txt; "
                    f"got {label.strip()}."
                )
            lists[split].append(name)
    both = set(lists["train"]) & set(lists["test"])
    if both:
        raise ValueError(f"{len(both)} videos are in both lists, such as {min(both)}.")
    return lists


def _lines(path: Path) -> list[tuple[str, str]]:
    """The lines of a split file that are not empty, with what to call them."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no split file {str(path)!r}; the folder must be UCF-101's ucfTrainTestlist."
        )
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [(f"{path.name}, line {i}", line) for i, line in enumerate(lines, 1) if line]
    if not found:
        raise ValueError(f"{str(path)!r} is empty.")
    return found
