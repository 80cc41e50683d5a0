import numpy as np
import pytest
from checks import small_vqvae

from keras_videogpt.data import ArrayVideos, Clips


@pytest.fixture(scope="session")
def vqvae(videos):
    """Trained a little, so that codes differ."""
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=3, verbose=0)
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
