"""ViZDoom scenarios, started headless."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_videogpt.data.optional import optional_import

# Games of several players wait for others; whole games are no scenarios and may not end.
NOT_RECORDED = ("cig", "multi", "multi_duel", "doom", "doom2", "freedoom1", "freedoom2", "oblige")


def scenario_names() -> list[str]:
    """Names of the scenarios that ship with ViZDoom and can be recorded.

    Returns:
        Sorted names, such as `"health_gathering_supreme"`.

    Raises:
        ImportError: ViZDoom is missing.

    Example:

    >>> "health_gathering_supreme" in scenario_names()
    True
    """
    folder = Path(optional_import("vizdoom", "vizdoom").scenarios_path)
    names = sorted(path.stem for path in folder.glob("*.cfg"))
    return [name for name in names if name not in NOT_RECORDED]


def open_game(scenario: str, seed: int) -> Any:
    """Starts a scenario without window and sound: RGB, 160x120, no time limit.

    Args:
        scenario: one of `scenario_names`, or path of a .cfg file.
        seed: int from 0 to 2**32 - 1.

    Returns:
        A running `vizdoom.DoomGame`; close it after use.

    Raises:
        ImportError: ViZDoom is missing.
        ValueError: unknown scenario.
        FileNotFoundError: there is no such .cfg file.

    Example:

    >>> game = open_game("basic", seed=0)
    >>> game.get_state().screen_buffer.shape
    (120, 160, 3)
    """
    vizdoom = optional_import("vizdoom", "vizdoom")
    config = Path(vizdoom.scenarios_path) / f"{scenario}.cfg"
    if Path(scenario).suffix == ".cfg":
        config = Path(scenario)
        if not config.is_file():
            raise FileNotFoundError(f"There is no scenario file {str(config)!r}.")
    elif scenario not in scenario_names():
        raise ValueError(
            f"`scenario` must be one of {', '.join(scenario_names())}, or a .cfg file. "
            f"Received: scenario={scenario!r}"
        )
    game = vizdoom.DoomGame()
    game.load_config(str(config))
    # The engine writes its settings where it is started, unless told otherwise.
    game.set_doom_config_path(str(Path(tempfile.gettempdir()) / "keras_videogpt_vizdoom.ini"))
    game.set_available_buttons([b for b in game.get_available_buttons() if _is_switch(b)])
    game.set_depth_buffer_enabled(True)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_audio_buffer_enabled(False)
    game.set_notifications_buffer_enabled(False)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_episode_timeout(0)
    game.set_seed(seed)
    game.init()
    return game


def play_life(
    game: Any, seed: int, frames: int, size: int, frame_skip: int, choose: Callable[[int], int]
) -> tuple[list[np.ndarray], list[int]]:
    """Plays one life, or the first frames of it.

    Args:
        game: what `open_game` returned.
        seed: int from 0 to 2**32 - 1, decides the life together with what is done in it.
        frames: the most frames to play.
        size: height and width in pixels; the whole picture is squeezed to them.
        frame_skip: game tics (1/35 s) between two frames; the button is held meanwhile.
        choose: takes the number of the frame, from 0, while the game shows it, and returns the
            index of the button to press next, or the number of buttons for none.

    Returns:
        uint8 frames (size, size, 3), and the index chosen after each of them.

    Example:

    >>> pictures, pressed = play_life(game, 0, 16, 64, 4, choose=lambda frame: 0)
    """
    buttons = len(game.get_available_buttons())
    pictures, pressed = [], []
    game.set_seed(seed)
    game.new_episode()
    while len(pictures) < frames and not game.is_episode_finished():
        picture = Image.fromarray(game.get_state().screen_buffer)
        pictures.append(np.asarray(picture.resize((size, size), Image.Resampling.BOX)))
        pressed.append(choose(len(pressed)))
        game.make_action([float(index == pressed[-1]) for index in range(buttons)], frame_skip)
    return pictures, pressed


def _is_switch(button: Any) -> bool:
    """Whether a button is pressed or not, rather than turned by an amount."""
    return not button.name.endswith("_DELTA")
