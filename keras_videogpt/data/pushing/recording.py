"""Recording a data set of robot pushing, and replaying its scenes with other actions."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.processes import share_work
from keras_videogpt.data.pushing.camera import Camera
from keras_videogpt.data.pushing.pusher import Pusher
from keras_videogpt.data.pushing.scene import FRAME_SECONDS, PushingScene, import_mujoco
from keras_videogpt.data.recorder import EpisodeFolder, record_episodes

ACTIONS = ("X", "Y", "Z", "TURN")


def record_pushing(
    out: str | os.PathLike,
    episodes: int = 1000,
    frames: int = 30,
    size: int = 64,
    seed: int = 0,
    test_share: float = 0.1,
    workers: int = 2,
    progress: bool = True,
) -> Path:
    """Records a simulated robot arm that pushes objects about in a tray.

    It stands in for BAIR robot pushing (Ebert et al., arXiv 1710.05268), with its size, length
    and number of actions. Each episode has three to five objects of random shapes, colours and
    poses; the arm chooses one after the other and pushes it with its paddle.

    Actions are float32 (frames, 4) in [-1, 1]: the paddle's way to the right, away from the
    camera and up, and its turn (see `PushingScene`). Row t is what is done after frame t and
    leads to frame t + 1.

    Called again with the same request, it records what is missing. Episode e depends on `seed`,
    e, `frames` and `size` alone: with the same MuJoCo and GL library on the same kind of
    processor, its frames are the same whatever the number of episodes and workers. Its own seed,
    which `replay_pushing` takes, is `seed * 1_000_003 + e`, modulo 2**32.

    Args:
        out: a folder for `VideoFolder`, see `EpisodeFolder`; or an .h5 or .hdf5 file for
            `HDF5Videos`, with the training episodes, then the test episodes, in their order.
        episodes: number of episodes, both splits together.
        frames: frames of an episode, 0.1 s apart.
        size: height and width of a frame in pixels.
        seed: int, 0 or more.
        test_share: share of the episodes for the test split, from 0 to 1, rounded; at least one
            episode where it is above 0 and there are two or more.
        workers: number of processes.
        progress: whether to show a progress bar and, at the end, what was written.

    Returns:
        `out`.

    Raises:
        ImportError: MuJoCo, a GL library to draw with, PyAV or h5py is missing.
        ValueError: an argument out of range.
        FileExistsError: `out` holds another recording, or other files.

    Example:

    >>> record_pushing("pushing", episodes=2, progress=False).name
    'pushing'
    """
    if min(episodes, frames, size, workers) < 1 or seed < 0 or not 0 <= test_share <= 1:
        raise ValueError(
            "`episodes`, `frames`, `size` and `workers` must be at least 1, `seed` at least 0, "
            f"`test_share` from 0 to 1. Received: episodes={episodes}, frames={frames}, "
            f"size={size}, workers={workers}, seed={seed}, test_share={test_share}"
        )
    request = {
        "scene": "pushing",
        "episodes": episodes,
        "frames": frames,
        "size": size,
        "seed": seed,
        "test_share": test_share,
    }
    versions = {
        "mujoco": import_mujoco().__version__,
        "av": optional_import("av", "video").__version__,
    }

    def play(folder: EpisodeFolder, missing: list[int]) -> Iterator[dict[str, Any]]:
        return share_work(partial(_record, folder), missing, workers)

    about = {"actions": ACTIONS, "versions": versions}
    return record_episodes(out, request, about, play, "Recording pushing", progress)


def replay_pushing(seed: int, actions: np.ndarray, size: int = 64) -> np.ndarray:
    """What the camera would have seen, had the arm done something else.

    Args:
        seed: the episode's seed, as in `episodes.jsonl`; decides the scene at the start.
        actions: float array (T, 4), values in [-1, 1], see `record_pushing`. Row t leads from
            frame t to frame t + 1, so the last one changes nothing that is returned.
        size: height and width of a frame in pixels.

    Returns:
        uint8 array (T, size, size, 3). With the actions of the episode, its frames.

    Raises:
        ImportError: MuJoCo, or a GL library to draw with, is missing.
        ValueError: an argument out of range, or actions of another shape.

    Example:

    >>> replay_pushing(seed=3, actions=np.zeros((5, 4))).shape
    (5, 64, 64, 3)
    """
    actions = np.asarray(actions)
    shaped = actions.ndim == 2 and len(actions) and actions.shape[1] == 4
    if not shaped or actions.dtype.kind not in "fiu" or not np.all(np.abs(actions) <= 1):
        bounds = f", {actions.min()} to {actions.max()}" if shaped else ""
        raise ValueError(
            "`actions` must be numbers in [-1, 1] of shape (T, 4). "
            f"Received: {actions.dtype} {actions.shape}{bounds}"
        )
    if seed < 0 or size < 1:
        raise ValueError(
            f"`seed` must be at least 0, `size` at least 1. Received: seed={seed}, size={size}"
        )
    [pictures] = share_work(partial(_replay, size=size), [(seed, actions)])
    return pictures


def _record(folder: EpisodeFolder, episodes: list[int]) -> Iterator[dict[str, Any]]:
    request = folder.request
    with Camera(request["size"]) as camera:
        for episode in episodes:
            seed = (request["seed"] * 1_000_003 + episode) % 2**32
            pictures, actions = _play(camera, seed, request["frames"])
            yield folder.write(episode, pictures, actions, 1 / FRAME_SECONDS, seed=seed)


def _replay(starts: list[tuple[int, np.ndarray]], size: int) -> Iterator[np.ndarray]:
    with Camera(size) as camera:
        for seed, actions in starts:
            scene = PushingScene(seed)
            pictures = [camera.picture(scene)]
            for action in actions[:-1]:
                scene.step(action)
                pictures.append(camera.picture(scene))
            yield np.stack(pictures)


def _play(camera: Camera, seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames and actions of an episode."""
    scene = PushingScene(seed)
    pusher = Pusher(np.random.default_rng((seed, 1)))
    pictures, actions = [], []
    for _ in range(frames):
        pictures.append(camera.picture(scene))
        actions.append(pusher.act(scene.paddle, scene.objects()))
        scene.step(actions[-1])
    return np.stack(pictures), np.stack(actions)
