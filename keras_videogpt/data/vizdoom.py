"""Recording a data set of ViZDoom episodes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_videogpt.data.episode_folder import EpisodeFolder
from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.recorder import record_episodes
from keras_videogpt.data.vizdoom_game import open_game, play_life
from keras_videogpt.data.wanderer import Wanderer

MAX_LIVES = 20
TICS_PER_SECOND = 35


def record_vizdoom(
    out: str | os.PathLike,
    scenario: str = "health_gathering_supreme",
    episodes: int = 100,
    frames: int = 100,
    size: int = 64,
    frame_skip: int = 4,
    seed: int = 0,
    test_share: float = 0.1,
    valid_share: float = 0.0,
    progress: bool = True,
) -> Path:
    """Records a simple player in a ViZDoom scenario, for `VideoFolder`, or for `HDF5Videos`.

    An episode is one life; a life shorter than `frames` is played anew from another seed, up to 20
    times, after which the longest one is taken. Every life has a seed of its own, so no game is in
    two splits.

    Actions are float32 (frames, A), each row one-hot over the scenario's buttons in the order of
    its .cfg file (without those that take an amount), then "no button". Row t is what is done
    after frame t and leads to frame t + 1.

    The whole 160x120 picture is squeezed to `size` x `size`. Called again with the same request,
    it records what is missing. The same seed gives the same frames.

    Args:
        out: a folder, see `EpisodeFolder`; or an .h5 or .hdf5 file.
        scenario: name of a scenario that ships with ViZDoom, or path of a .cfg file with its .wad
            file beside it.
        episodes: number of episodes, all splits together.
        frames: frames of an episode.
        size: height and width of a frame in pixels.
        frame_skip: game tics (1/35 s) between two frames; the action is held meanwhile.
        seed: int, 0 or more.
        test_share: share of the episodes for the test split, from 0 to 1, rounded; at least one
            episode where it is above 0 and there are two or more.
        valid_share: the same for the validation split; the paper's 8:1:1 is 0.1 of both.
        progress: whether to show a progress bar and, at the end, what was written.

    Returns:
        `out`.

    Raises:
        ImportError: ViZDoom, PyAV or h5py is missing.
        ValueError: an argument out of range, or unknown scenario.
        FileExistsError: `out` holds another recording, or other files.

    Example:

    >>> record_vizdoom("hgs", episodes=10)
    """
    shares_fit = min(test_share, valid_share) >= 0 and test_share + valid_share <= 1
    if min(episodes, frames, size, frame_skip) < 1 or seed < 0 or not shares_fit:
        raise ValueError(
            "`episodes`, `frames`, `size` and `frame_skip` must be at least 1, `seed` at least 0, "
            "`test_share` and `valid_share` from 0 to 1 in sum. "
            f"Received: episodes={episodes}, frames={frames}, size={size}, "
            f"frame_skip={frame_skip}, seed={seed}, test_share={test_share}, "
            f"valid_share={valid_share}"
        )
    request = {
        "scenario": str(scenario),
        "episodes": episodes,
        "frames": frames,
        "size": size,
        "frame_skip": frame_skip,
        "seed": seed,
        "test_share": test_share,
        "valid_share": valid_share,
    }
    versions = {
        "vizdoom": optional_import("vizdoom", "vizdoom").__version__,
        "av": optional_import("av", "video").__version__,
    }
    game = open_game(scenario, seed=0)
    try:
        buttons = [button.name for button in game.get_available_buttons()]

        def play(folder: EpisodeFolder, missing: list[int]) -> Iterator[dict[str, Any]]:
            return (_record_episode(game, buttons, folder, episode) for episode in missing)

        about = {"actions": [*buttons, "NO_BUTTON"], "versions": versions}
        return record_episodes(out, request, about, play, f"Recording {scenario}", progress)
    finally:
        game.close()


def replay_vizdoom(
    seed: int,
    actions: np.ndarray,
    scenario: str = "health_gathering_supreme",
    size: int = 64,
    frame_skip: int = 4,
) -> np.ndarray:
    """What a player would have seen, had it done something else.

    Args:
        seed: the life's seed, as in `episodes.jsonl`.
        actions: float array (T, A), rows one-hot, see `record_vizdoom`. Row t leads from frame t to
            frame t + 1, so the last one changes nothing that is returned.
        scenario, size, frame_skip: as in `record_vizdoom`.

    Returns:
        uint8 array (T, size, size, 3), shorter where the life ends. With the actions of the
        episode, its frames.

    Raises:
        ImportError: ViZDoom is missing.
        ValueError: an argument out of range, actions of another kind, or unknown scenario.

    Example:

    >>> replay_vizdoom(seed=3, actions=np.eye(4)[[0, 0, 2, 2]]).shape
    (4, 64, 64, 3)
    """
    if seed < 0 or min(size, frame_skip) < 1:
        raise ValueError(
            "`seed` must be at least 0, `size` and `frame_skip` at least 1. "
            f"Received: seed={seed}, size={size}, frame_skip={frame_skip}"
        )
    actions = np.asarray(actions)
    game = open_game(scenario, seed=0)
    try:
        choices = len(game.get_available_buttons()) + 1
        shaped = actions.ndim == 2 and len(actions) and actions.shape[1] == choices
        if not shaped or not np.array_equal(actions, np.eye(choices)[actions.argmax(axis=1)]):
            raise ValueError(
                f"`actions` must be one-hot rows (T, {choices}) in {scenario}. "
                f"Received: {actions.dtype} {actions.shape}"
            )
        pressed = actions.argmax(axis=1).tolist()
        pictures, _ = play_life(game, seed, len(actions), size, frame_skip, pressed.__getitem__)
        return np.stack(pictures)
    finally:
        game.close()


def _record_episode(
    game: Any, buttons: list[str], folder: EpisodeFolder, episode: int
) -> dict[str, Any]:
    request = folder.request
    longest: tuple[list, list, int] = ([], [], 0)
    for life in range(MAX_LIVES):
        game_seed = _game_seed(request["seed"], episode, life)
        pictures, actions = _play(game, buttons, game_seed, request)
        if len(pictures) > len(longest[0]):
            longest = (pictures, actions, game_seed)
        if len(pictures) == request["frames"]:
            break
    pictures, actions, game_seed = longest
    one_hot = np.eye(len(buttons) + 1, dtype="float32")[actions]
    fps = TICS_PER_SECOND / request["frame_skip"]
    return folder.write(episode, np.stack(pictures), one_hot, fps, seed=game_seed)


def _play(
    game: Any, buttons: list[str], game_seed: int, request: dict[str, Any]
) -> tuple[list[np.ndarray], list[int]]:
    """Lets the wanderer play one life."""
    variable = optional_import("vizdoom", "vizdoom").GameVariable
    player = Wanderer(buttons, np.random.default_rng(game_seed))

    def choose(_: int) -> int:
        x = game.get_game_variable(variable.POSITION_X)
        y = game.get_game_variable(variable.POSITION_Y)
        ahead = game.get_state().depth_buffer[50:70, 60:100].mean()
        return player.act((x, y), ahead)

    frames, size, frame_skip = (request[name] for name in ("frames", "size", "frame_skip"))
    return play_life(game, game_seed, frames, size, frame_skip, choose)


def _game_seed(seed: int, episode: int, life: int) -> int:
    """A seed for each life, no two alike for the episodes of one recording."""
    return (seed * 1_000_003 + episode * MAX_LIVES + life) % 2**32
