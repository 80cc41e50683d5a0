import keras
import numpy as np
import pytest
from checks import randomize, small_vqvae

from keras_videogpt.data import ArrayVideos, Clips


@pytest.fixture(scope="session")
def vqvae(videos):
    """With random weights and a codebook taken from the videos, so that clips have many codes."""
    vqvae = small_vqvae(axial_attention=False)
    randomize(vqvae)
    vqvae.compile(optimizer=keras.optimizers.SGD(0.0))
    vqvae.fit(videos, batch_size=8, verbose=0)
    assert len(np.unique(vqvae.encode(videos))) > 8
    return vqvae


@pytest.fixture(scope="session")
def long_videos(videos):
    """Seven videos of 9 to 15 frames, two labels, actions of two numbers: a store."""
    whole = videos.reshape(-1, *videos.shape[2:])
    parts = [whole[i : i + 9 + i] for i in range(7)]
    actions = [np.arange(len(part) * 2).reshape(-1, 2) + 100 * i for i, part in enumerate(parts)]
    return ArrayVideos(parts, labels=[0, 1, 1, 0, 0, 1, 0], actions=actions)


@pytest.fixture
def clips(long_videos):
    """Training clips with random starts and crops, and held-out clips that follow one another."""
    options = {"num_frames": 4, "size": 16}
    return {
        "train": Clips(long_videos, **options, crop="random", seed=3),
        "test": Clips(long_videos, **options, start="all"),
    }
