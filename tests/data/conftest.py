import numpy as np
import pytest


@pytest.fixture
def clip():
    """Makes uint8 videos of smooth motion; no two frames are alike."""

    def make(frames=40, height=24, width=32, seed=0):
        y, x = np.mgrid[:height, :width]
        shift = np.arange(frames)[:, None, None] * 5 + seed * 17
        planes = [x * 6 + shift, y * 7 + 2 * shift, (x + y) * 3 + 3 * shift]
        return np.stack([plane % 256 for plane in planes], axis=-1).astype("uint8")

    return make
