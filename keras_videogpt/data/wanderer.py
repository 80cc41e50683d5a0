"""A simple player for ViZDoom that wanders about."""

from collections.abc import Sequence

import numpy as np

# Relative frequency, then the shortest and the longest time it is held, in steps.
HABITS = {
    "MOVE_FORWARD": (6, 4, 14),
    "TURN_LEFT": (2, 2, 6),
    "TURN_RIGHT": (2, 2, 6),
    "MOVE_LEFT": (1, 2, 6),
    "MOVE_RIGHT": (1, 2, 6),
    "ATTACK": (1.5, 1, 2),
}
STUCK_DISTANCE = 4.0
NEAR_WALL = 10.0


class Wanderer:
    """Walks ahead most of the time, turns for several steps on end, turns away from walls.

    Of the buttons it presses one at a time, or none; it shoots now and then where it can.

    Args:
        buttons: names of the buttons, in their order.
        rng: source of its choices.

    Example:

    >>> player = Wanderer(["TURN_LEFT", "TURN_RIGHT", "MOVE_FORWARD"], np.random.default_rng(0))
    >>> action = player.act(position=(0.0, 0.0), depth=12.0)
    """

    def __init__(self, buttons: Sequence[str], rng: np.random.Generator) -> None:
        self.buttons = list(buttons)
        self.turns = [i for i, name in enumerate(buttons) if name.startswith("TURN_")]
        self.rng = rng
        self.action = len(self.buttons)
        self.steps_left = 0
        self.position: tuple[float, float] | None = None

    def act(self, position: tuple[float, float], depth: float) -> int:
        """Chooses the next action.

        Args:
            position: where the player is on the map, in map units.
            depth: how far away is what lies ahead, as ViZDoom's depth buffer counts (0 to 255).

        Returns:
            Index of the button to press; `len(buttons)` for none.
        """
        if self._moves() and self.turns and (depth < NEAR_WALL or self._is_stuck(position)):
            self.action = int(self.rng.choice(self.turns))
            self.steps_left = int(self.rng.integers(3, 7))
        elif self._moves() and self._is_stuck(position):
            self.steps_left = 0
        elif self.action in self.turns and depth < NEAR_WALL:
            self.steps_left = max(self.steps_left, 1)
        if self.steps_left == 0:
            self._choose()
        self.position = position
        self.steps_left -= 1
        return self.action

    def _moves(self) -> bool:
        return self.action < len(self.buttons) and self.buttons[self.action].startswith("MOVE_")

    def _is_stuck(self, position: tuple[float, float]) -> bool:
        if self.position is None:
            return False
        return bool(np.hypot(*np.subtract(position, self.position)) < STUCK_DISTANCE)

    def _choose(self) -> None:
        weights = [HABITS.get(name, (0,))[0] for name in self.buttons] + [0.3]
        if self.action < len(self.buttons):
            weights[self.action] = 0  # the same again would only be a longer hold
        self.action = int(self.rng.choice(len(weights), p=np.divide(weights, np.sum(weights))))
        name = self.buttons[self.action] if self.action < len(self.buttons) else ""
        _, shortest, longest = HABITS.get(name, (0, 1, 2))
        self.steps_left = int(self.rng.integers(shortest, longest + 1))
