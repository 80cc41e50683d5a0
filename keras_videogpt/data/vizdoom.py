"""Recording a data set of ViZDoom episodes."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.recording import claim_folder, write_episode
from keras_videogpt.data.vizdoom_game import open_game
from keras_videogpt.data.wanderer import Wanderer

SPLITS = ("train", "valid", "test")
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
    """Records a simple player in a ViZDoom scenario, as a folder for `VideoFolder`.

    Writes `train/episode_00000.mkv` (lossless) with `train/episode_00000.actions.npy` beside it,
    and so on; the last episodes go to `test/`, those before them to `valid/`. An episode is one
    life; a life shorter than `frames` is played anew from another seed, up to 20 times, after which
    the longest one is taken. Every life has a seed of its own, so no game is in two splits.

    Actions are float32 (frames, A), each row one-hot over the scenario's buttons in the order of
    its .cfg file (without those that take an amount), then "no button". Row t is what is done
    after frame t and leads to frame t + 1.

    The whole 160x120 picture is squeezed to `size` x `size`. `dataset.json` holds the request
    and versions, `episodes.jsonl` a line an episode. Called again with the same request, it
    records what is missing. The same seed gives the same frames.

    Args:
        out: the folder, made if need be.
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
        The folder.

    Raises:
        ImportError: ViZDoom or PyAV is missing.
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
    optional_import("av", "video")
    out = Path(out)
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
    game = open_game(scenario, seed=0)
    try:
        buttons = [button.name for button in game.get_available_buttons()]
        versions = {
            name: optional_import(name, "vizdoom").__version__ for name in ("vizdoom", "av")
        }
        details = {"actions": [*buttons, "NO_BUTTON"], "versions": versions}
        claim_folder(out, request, details, defaults={"valid_share": 0.0})
        done = {line["episode"]: line for line in _read_lines(out / "episodes.jsonl")}
        missing = [episode for episode in range(episodes) if episode not in done]
        for episode in tqdm(missing, f"Recording {scenario}", disable=not progress):
            line = _record_episode(game, buttons, out, episode, request)
            done[episode] = line
            with open(out / "episodes.jsonl", "a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(line))
    finally:
        game.close()
    if progress:
        splits = Counter(line["split"] for line in done.values())
        counts = ", ".join(f"{splits[split]} {split}" for split in SPLITS if splits[split])
        short = sum(line["frames"] < frames for line in done.values())
        shorter = f"; {short} of them shorter than {frames} frames" if short else ""
        print(f"Wrote {out}: {counts} episodes{shorter}")
    return out


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


def _share_of(episodes: int, share: float) -> int:
    return max(1, round(episodes * share)) if share and episodes > 1 else 0


def _record_episode(
    game: Any, buttons: list[str], out: Path, episode: int, request: dict[str, Any]
) -> dict[str, Any]:
    longest: tuple[list, list, int] = ([], [], 0)
    for life in range(MAX_LIVES):
        game_seed = _game_seed(request["seed"], episode, life)
        pictures, actions = _play(game, buttons, game_seed, request)
        if len(pictures) > len(longest[0]):
            longest = (pictures, actions, game_seed)
        if len(pictures) == request["frames"]:
            break
    pictures, actions, game_seed = longest
    split = split_of(episode, request["episodes"], request["test_share"], request["valid_share"])
    video = out / split / f"episode_{episode:05d}.mkv"
    one_hot = np.eye(len(buttons) + 1, dtype="float32")[actions]
    fps = TICS_PER_SECOND / request["frame_skip"]
    write_episode(video, np.stack(pictures), one_hot, fps)
    return {"episode": episode, "split": split, "seed": game_seed, "frames": len(pictures)}


def _play(
    game: Any, buttons: list[str], game_seed: int, request: dict[str, Any]
) -> tuple[list[np.ndarray], list[int]]:
    """Plays one life, or the first `frames` frames of it."""
    variable = optional_import("vizdoom", "vizdoom").GameVariable
    player = Wanderer(buttons, np.random.default_rng(game_seed))
    size = (request["size"], request["size"])
    pictures, actions = [], []
    game.set_seed(game_seed)
    game.new_episode()
    while len(pictures) < request["frames"] and not game.is_episode_finished():
        state = game.get_state()
        picture = Image.fromarray(state.screen_buffer)
        pictures.append(np.asarray(picture.resize(size, Image.Resampling.BOX)))
        x = game.get_game_variable(variable.POSITION_X)
        y = game.get_game_variable(variable.POSITION_Y)
        ahead = state.depth_buffer[50:70, 60:100].mean()
        actions.append(player.act((x, y), ahead))
        pressed = [float(index == actions[-1]) for index in range(len(buttons))]
        game.make_action(pressed, request["frame_skip"])
    return pictures, actions


def _game_seed(seed: int, episode: int, life: int) -> int:
    """A seed for each life, no two alike for the episodes of one recording."""
    return (seed * 1_000_003 + episode * MAX_LIVES + life) % 2**32


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # an empty line, or the last one of a run that was killed
    return lines
