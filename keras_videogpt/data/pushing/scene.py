"""A robot arm above a tray of objects, simulated by MuJoCo."""

import math
import os
import sys
from importlib.resources import files
from types import ModuleType
from xml.etree import ElementTree

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.pushing.objects import add_objects

FRAME_SECONDS = 0.1
SETTLE_SECONDS = 0.2
REACH = np.array([0.035, 0.035, 0.03, 0.5])  # what an action of 1 moves: metres, then radians
LOWEST = np.array([-0.2, -0.2, 0.0, -math.inf])
HIGHEST = np.array([0.2, 0.2, 0.09, math.inf])
ARM = 0.34  # length of the upper arm, and of the forearm
SHOULDER = (0.0, 0.36)


def import_mujoco() -> ModuleType:
    """Imports MuJoCo; on Linux it renders by EGL, which needs no display, unless told otherwise.

    Returns:
        The module.

    Raises:
        ImportError: MuJoCo is missing, or the GL library that it draws with.

    Example:

    >>> mujoco = import_mujoco()
    """
    if sys.platform == "linux":
        os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        return optional_import("mujoco", "mujoco")
    except (AttributeError, RuntimeError) as error:  # what its GL bindings raise
        raise no_gl_library(error) from error


def no_gl_library(error: Exception) -> ImportError:
    """The error for a machine on which MuJoCo cannot draw.

    Args:
        error: what MuJoCo raised.

    Returns:
        An `ImportError` that says what to install.

    Example:

    >>> "libegl1" in str(no_gl_library(RuntimeError("no display")))
    True
    """
    return ImportError(
        f"MuJoCo cannot draw here: {error} (MUJOCO_GL={os.environ.get('MUJOCO_GL', '')}). Install "
        "EGL (on Debian: libegl1 and libgl1-mesa-dri), or OSMesa (libosmesa6) and set "
        "MUJOCO_GL=osmesa"
    )


class PushingScene:
    """An arm with a paddle behind a tray, and three to five objects in the tray.

    An action is what the paddle does until the next frame, 0.1 s later: four numbers in [-1, 1],

    - x: to the right by up to 3.5 cm,
    - y: away from the camera by up to 3.5 cm,
    - z: up by up to 3 cm,
    - turn: about the vertical, counterclockwise seen from above, by up to 0.5 radians.

    The arm's four motors (shoulder, elbow, lift, wrist) follow. The paddle stays within 20 cm of
    the tray's middle in x and in y, and within 9 cm above the floor; objects are at most 7.6 cm
    high.

    Args:
        seed: int, 0 or more; decides the objects and where the paddle is at the start.

    Attributes:
        model: the `mujoco.MjModel`.
        data: the `mujoco.MjData`, what is where now.
        paddle: float array (4,): x, y, z in metres and the turn in radians.

    Raises:
        ImportError: MuJoCo is missing.

    Example:

    >>> scene = PushingScene(seed=0)
    >>> before = scene.paddle.copy()
    >>> scene.step(np.array([0.0, 0.0, -1.0, 0.0]))
    >>> np.round(scene.paddle - before, 3).tolist()
    [0.0, 0.0, -0.03, 0.0]
    """

    def __init__(self, seed: int) -> None:
        self._mujoco = import_mujoco()
        rng = np.random.default_rng((seed, 0))
        root = ElementTree.fromstring(files(__package__).joinpath("scene.xml").read_text())
        self._objects = add_objects(next(root.iter("worldbody")), rng)
        self.model = self._mujoco.MjModel.from_xml_string(ElementTree.tostring(root, "unicode"))
        self.data = self._mujoco.MjData(self.model)
        self.paddle = rng.uniform((-0.16, -0.16, 0.05, -1.5), (0.16, 0.16, 0.09, 1.5))
        self.data.qpos[:4] = self.data.act[:] = _joint_angles(self.paddle)
        self._simulate(SETTLE_SECONDS)

    def objects(self) -> np.ndarray:
        """Where the objects are.

        Returns:
            Float array (number of objects, 3): x, y, z of their middles in metres.

        Example:

        >>> PushingScene(seed=0).objects().shape
        (5, 3)
        """
        return np.array([self.data.body(name).xpos for name in self._objects])

    def step(self, action: np.ndarray) -> None:
        """Goes on by one frame.

        Args:
            action: (4,), values in [-1, 1]; see the class.

        Example:

        >>> PushingScene(seed=0).step(np.zeros(4))
        """
        self.paddle = np.clip(self.paddle + action * REACH, LOWEST, HIGHEST)
        # The motors' set points move at an even speed, so the paddle does not jerk.
        self.data.ctrl[:] = (_joint_angles(self.paddle) - self.data.act) / FRAME_SECONDS
        self._simulate(FRAME_SECONDS)

    def _simulate(self, seconds: float) -> None:
        steps = round(seconds / self.model.opt.timestep)
        self._mujoco.mj_step(self.model, self.data, steps)


def _joint_angles(paddle: np.ndarray) -> np.ndarray:
    """Shoulder, elbow, lift and wrist that hold the paddle there."""
    x, y, z, turn = paddle
    across, ahead = x - SHOULDER[0], SHOULDER[1] - y
    elbow = math.acos((across**2 + ahead**2) / (2 * ARM**2) - 1)
    shoulder = math.atan2(across, ahead) - elbow / 2  # both parts of the arm are equally long
    return np.array([shoulder, elbow, z, turn - shoulder - elbow])
