"""A player that pushes objects about."""

import math

import numpy as np

from keras_videogpt.data.pushing.scene import HIGHEST, LOWEST, REACH

LOW, HIGH = 0.002, 0.085
START, PAST = 0.065, (0.03, 0.14)  # metres before an object's middle, and past where it was
INERTIA = 0.4
NOISE = 0.06
PATIENCE = 12  # frames for one way point


class Pusher:
    """Chooses an object and a direction, goes behind it, pushes it with the paddle, and so on.

    On its way to an object it lifts the paddle half of the time, and otherwise sweeps along the
    floor. Its actions are smooth, with a little noise.

    Args:
        rng: source of its choices.

    Example:

    >>> pusher = Pusher(np.random.default_rng(0))
    >>> pusher.act(np.array([0, 0, 0.08, 0]), np.array([[0.1, 0.1, 0.02]])).shape
    (4,)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.way: list[np.ndarray] = []
        self.action = np.zeros(4)
        self.speed = 1.0
        self.patience = 0

    def act(self, paddle: np.ndarray, objects: np.ndarray) -> np.ndarray:
        """Chooses the next action.

        Args:
            paddle: (4,), where the paddle is: x, y, z in metres, the turn in radians.
            objects: (n, 3), where the objects are, in metres.

        Returns:
            float32 array (4,), values in [-1, 1]; see `PushingScene`.
        """
        if self.way and (self.patience == 0 or self._is_there(paddle)):
            self.way.pop(0)
            self.patience = PATIENCE
        if not self.way:
            self._plan(paddle, objects)
        self.patience -= 1
        wanted = (self.way[0] - paddle) / REACH
        wanted *= min(1, self.speed / max(np.abs(wanted).max(), 1e-6))
        self.action = INERTIA * self.action + (1 - INERTIA) * wanted
        noisy = self.action + NOISE * self.rng.standard_normal(4)
        return np.clip(noisy, -1, 1).astype("float32")

    def _is_there(self, paddle: np.ndarray) -> bool:
        return bool(np.all(np.abs(self.way[0] - paddle) < (0.015, 0.015, 0.012, 0.4)))

    def _plan(self, paddle: np.ndarray, objects: np.ndarray) -> None:
        x, y, _ = objects[self.rng.integers(len(objects))]
        # Towards a place in the tray, so that objects do not gather at its edge.
        goal = self.rng.uniform(-0.12, 0.12, 2)
        direction = math.atan2(goal[1] - y, goal[0] - x)
        ahead = np.array([math.cos(direction), math.sin(direction)])
        start, end = (x, y) - START * ahead, (x, y) + self.rng.uniform(*PAST) * ahead
        turn = direction + math.pi / 2
        turn += math.pi * round((paddle[3] - turn) / math.pi)  # its two faces are alike
        travel = HIGH if self.rng.random() < 0.5 else LOW
        way = [(*start, travel, turn), (*start, LOW, turn), (*end, LOW, turn)]
        if paddle[2] < travel:
            way.insert(0, (*paddle[:2], travel, paddle[3]))
        self.way = [np.clip(point, LOWEST, HIGHEST) for point in way]
        self.speed = self.rng.uniform(0.6, 1)
        self.patience = PATIENCE
