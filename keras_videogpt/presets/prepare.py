"""Preparing the data set of a preset."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.digits import load_digits
from keras_videogpt.data.gif_list import download_gifs
from keras_videogpt.data.moving_mnist import MovingMNISTVideos
from keras_videogpt.data.recording import claim_folder, held_out, link_video, write_episode
from keras_videogpt.data.tfds_conversion import convert_tfds
from keras_videogpt.data.ucf101 import link_ucf101
from keras_videogpt.data.video_index import list_videos
from keras_videogpt.data.vizdoom import record_vizdoom
from keras_videogpt.presets.data_sets import DATA_SETS

MOVING_MNIST_VIDEOS = 10_000
VIZDOOM_EPISODES = 1000
SCENARIOS = {"vizdoom_hgs": "health_gathering_supreme", "vizdoom_battle": "deathmatch"}
FROM_TFDS = "tfds"


def prepare(
    name: str,
    out: str | os.PathLike,
    source: str | os.PathLike | None = None,
    splits: str | os.PathLike | None = None,
    split_number: int = 1,
    videos: int | None = None,
    seed: int = 0,
    tfds: str | None = None,
    progress: bool = True,
) -> list[tuple[str, str]]:
    """Makes, downloads or converts the data set of a preset, as a folder for `VideoFolder`.

    A stopped run goes on where it was when it is called again.

    Args:
        name: name of the preset.
        out: the folder.
        source: what it is made from, as the preset's `preparation` says; `"tfds"` for TensorFlow
            Datasets where the preset has another source too.
        splits: folder of split files, for UCF-101 and TGIF.
        split_number: which official split of UCF-101: 1, 2 or 3.
        videos: how many to make (of generated data, all splits together), or to take of each split.
        seed: of generated data.
        tfds: name in TensorFlow Datasets; `None` for the preset's.
        progress: whether to show progress bars.

    Returns:
        `(video, reason)` of those that could not be had.

    Raises:
        ValueError: unknown preset, an argument that it does not take, or wrong input.
        FileNotFoundError: a source is missing.
        FileExistsError: `out` holds another data set.
        ImportError: a package is missing.

    Example:
        >>> np.savez("digits.npz", x_train=np.zeros((20, 28, 28), "uint8"))
        >>> prepare("moving_mnist", "out", source="digits.npz", videos=10, progress=False)
        []
    """
    if name not in DATA_SETS:
        raise ValueError(f"The data preset must be one of {', '.join(DATA_SETS)}; got {name!r}.")
    if (videos is not None and videos < 1) or seed < 0:
        raise ValueError(f"videos must be at least 1, seed at least 0; got {videos} and {seed}.")
    if splits is not None and (name not in ("ucf101", "tgif") or source == FROM_TFDS):
        raise ValueError(f"{name} takes no split files here; got {str(splits)!r}.")
    has_tfds = DATA_SETS[name].tfds is not None
    if (tfds is not None or source == FROM_TFDS) and not has_tfds:
        raise ValueError(f"{name} does not come from TensorFlow Datasets.")
    tfds_name = tfds or DATA_SETS[name].tfds
    if tfds_name and (tfds is not None or source == FROM_TFDS or name in ("bair", "robonet")):
        data_dir = None if source == FROM_TFDS else source
        convert_tfds(out, tfds_name, data_dir, videos, progress)
        return []
    if name == "moving_mnist":
        make_moving_mnist(out, source, videos or MOVING_MNIST_VIDEOS, seed, progress)
        return []
    if name in SCENARIOS:
        if source is not None and name != "vizdoom_battle":
            raise ValueError(f"{name} has no other source; got {str(source)!r}.")
        scenario = SCENARIOS[name] if source is None else str(Path(source).resolve())
        count = videos or VIZDOOM_EPISODES
        options: dict[str, Any] = {"seed": seed, "test_share": 0.1, "valid_share": 0.1}
        record_vizdoom(out, scenario, episodes=count, frames=100, progress=progress, **options)
        return []
    if source is None or (splits is None and name == "ucf101"):
        raise ValueError(f"{name} needs more: {DATA_SETS[name].preparation}")
    if name == "ucf101" and splits is not None:
        missing = link_ucf101(out, source, splits, split_number, videos, progress)
        return [(video, "is not in the folder of videos") for video in missing]
    if Path(source).is_dir():
        link_folder(out, source, videos, progress)
        return []
    return download_gifs(out, source, splits, videos, progress=progress)


def make_moving_mnist(
    out: str | os.PathLike,
    digits: str | os.PathLike | None = None,
    videos: int = MOVING_MNIST_VIDEOS,
    seed: int = 0,
    progress: bool = True,
) -> None:
    """Writes Moving MNIST; every tenth video is made of test digits, and goes to `test/`.

    Video i is the same whatever the number of videos, so more can be added later.

    Args:
        out: the folder.
        digits: see `load_digits`.
        videos: number of videos, both splits together.
        seed: int, 0 or more.
        progress: whether to show a progress bar.

    Example:
        >>> np.savez("digits.npz", x_train=np.zeros((20, 28, 28), "uint8"))
        >>> make_moving_mnist("out", "digits.npz", videos=10, progress=False)
        >>> list_videos("out")[0]
        'test/video_000009.mkv'
    """
    source = None if digits is None else str(Path(digits).resolve())
    stores = [MovingMNISTVideos(part, range(videos), seed=seed) for part in load_digits(digits)]
    out = claim_folder(out, {"preset": "moving_mnist", "digits": source, "seed": seed})
    for i in tqdm(range(videos), "Making Moving MNIST", disable=not progress):
        store, split = (stores[1], "test") if held_out(i) else (stores[0], "train")
        path = out / split / f"{store.name(i)}.mkv"
        if not path.exists():
            write_episode(path, store.frames(i))


def link_folder(
    out: str | os.PathLike,
    videos: str | os.PathLike,
    limit: int | None = None,
    progress: bool = True,
) -> None:
    """Links a folder's videos into `train/` and `test/`, which every tenth of them goes to.

    Video i of their sorted paths becomes `SPLIT/i.gif`, or whatever its extension is. A folder with
    more or fewer videos than before needs a new `out`.

    Args:
        out: the folder to write.
        videos: the folder of videos.
        limit: at most so many videos of a split; `None` for all.
        progress: whether to show a progress bar.

    Example:
        >>> Path("gifs").mkdir()
        >>> Path("gifs/cat.gif").touch()
        >>> link_folder("out", "gifs", progress=False)
        >>> list_videos("out")
        ['train/000000.gif']
    """
    videos = Path(videos)
    names = list_videos(videos)
    tests = np.array([held_out(i) for i in range(len(names))])
    out = claim_folder(
        out, {"preset": "tgif", "videos": str(videos.resolve()), "count": len(names)}
    )
    chosen = [*np.flatnonzero(~tests)[:limit], *np.flatnonzero(tests)[:limit]]
    for i in tqdm(chosen, "Linking videos", disable=not progress):
        split = "test" if tests[i] else "train"
        path = out / split / f"{i:06d}{Path(names[i]).suffix}"
        if not path.exists():
            link_video(path, videos / names[i])
