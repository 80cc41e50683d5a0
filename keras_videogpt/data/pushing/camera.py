"""Pictures of the pushing scene."""

from typing import Self

import numpy as np
from PIL import Image

from keras_videogpt.data.pushing.scene import PushingScene, import_mujoco, no_gl_library

OVERSAMPLING = 3


class Camera:
    """Draws scenes without a window; close it after use, or use it in a `with` block.

    Not for a process that has imported TensorFlow, see `share_work`.

    Args:
        size: height and width of a picture in pixels.

    Raises:
        ImportError: MuJoCo, or a GL library to draw with, is missing.

    Example:

    >>> with Camera(size=64) as camera:
    ...     camera.picture(PushingScene(seed=0)).shape
    (64, 64, 3)
    """

    def __init__(self, size: int) -> None:
        mujoco = self._mujoco = import_mujoco()
        large = size * OVERSAMPLING
        self._window = mujoco.MjrRect(0, 0, large, large)
        self._pixels = np.empty((large, large, 3), "uint8")
        try:
            self._gl = mujoco.GLContext(large, large)
            self._gl.make_current()
        except Exception as error:  # each GL binding has errors of its own
            raise no_gl_library(error) from error
        # Scenes have no textures and no meshes, so one context, slow to make, draws them all.
        model = PushingScene(seed=0).model
        model.vis.global_.offwidth = model.vis.global_.offheight = large
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = model.camera("front").id
        self._options = mujoco.MjvOption()
        self._drawn: tuple | None = None

    def picture(self, scene: PushingScene) -> np.ndarray:
        """Draws a scene as it is now.

        Args:
            scene: what to draw.

        Returns:
            uint8 array (size, size, 3).

        Example:

        >>> with Camera(size=64) as camera:
        ...     picture = camera.picture(PushingScene(seed=0))
        """
        mujoco = self._mujoco
        geoms = self._geoms(scene)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            scene.model, scene.data, self._options, None, self._view, everything, geoms
        )
        self._gl.make_current()
        mujoco.mjr_render(self._window, geoms, self._context)
        mujoco.mjr_readPixels(self._pixels, None, self._window, self._context)
        return np.asarray(Image.fromarray(self._pixels[::-1]).reduce(OVERSAMPLING))

    def close(self) -> None:
        """Frees what the camera draws with."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _geoms(self, scene: PushingScene) -> object:
        """MuJoCo's list of what there is to draw, made once for each scene."""
        if self._drawn is None or self._drawn[0] is not scene:
            geoms = self._mujoco.MjvScene(scene.model, maxgeom=100)
            geoms.flags[self._mujoco.mjtRndFlag.mjRND_SHADOW] = False
            geoms.flags[self._mujoco.mjtRndFlag.mjRND_REFLECTION] = False
            self._drawn = (scene, geoms)
        return self._drawn[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
