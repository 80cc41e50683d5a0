"""ViZDoom scenarios, started headless."""

import tempfile
from pathlib import Path
from typing import Any

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


def _is_switch(button: Any) -> bool:
    """Whether a button is pressed or not, rather than turned by an amount."""
    return not button.name.endswith("_DELTA")
