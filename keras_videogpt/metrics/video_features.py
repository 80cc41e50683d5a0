import os
from typing import Any

import numpy as np
from tqdm import tqdm

from keras_videogpt.metrics.feature_cache import FeatureCache, clip_key, open_cache
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork, check_feature_network
from keras_videogpt.metrics.video_batches import check_videos, video_batches


def video_features(
    videos: Any,
    network: FeatureNetwork,
    count: int | None = None,
    cache: FeatureCache | bool | str | os.PathLike | None = None,
    batch_size: int = 8,
    progress: bool = True,
    name: str = "videos",
) -> np.ndarray:
    """Features of videos, of which a batch at a time is in memory.

    Args:
        videos: anything that `video_batches` reads.
        network: computes the features.
        count: videos to take; `None` for all.
        cache: where features of clips are kept, so that the same clips are computed once: `True`
            for the usual folder (see `open_cache`), another folder, or `None` or `False` for
            nowhere.
        batch_size: videos at a time.
        progress: whether to show a progress bar.
        name: what the videos are, for the bar and for errors.

    Returns:
        float32 `(N, D)`, in the order of the videos.

    Raises:
        ValueError: there are fewer videos than `count`, or none, or they are no videos that the
            network takes.

    Example:
        >>> from keras_videogpt.metrics.networks.random_network import random_network
        >>> videos = np.zeros((3, 2, 8, 8, 3), "uint8")
        >>> video_features(videos, random_network(), batch_size=2, progress=False).shape
        (3, 192)
    """
    check_feature_network("network", network)
    check_videos(name, videos)
    cache = open_cache(cache, network)
    rows: list[Any] = []
    missing: list[tuple] = []
    total = len(videos) if count is None and hasattr(videos, "shape") else count
    with tqdm(total=total, desc=name, unit="clip", disable=not progress) as bar:
        for batch in video_batches(videos, batch_size, count):
            for clip in batch:
                key = row = None
                if cache is not None:
                    key = clip_key(clip)
                    row = cache.get(key)
                if row is None:
                    missing.append((len(rows), key, clip))
                rows.append(row)
                if len(missing) == batch_size:
                    _compute(network, missing, rows, cache, batch_size)
            bar.update(len(batch))
        if missing:
            _compute(network, missing, rows, cache, batch_size)
    needed = 1 if count is None else count
    if len(rows) < needed:
        clips = "1 clip is" if needed == 1 else f"{needed} clips are"
        raise ValueError(f"{name}: {clips} needed; there are {len(rows)}.")
    return np.stack(rows)


def _compute(network, missing, rows, cache, batch_size):
    """Fills in the rows that are missing, and remembers them."""
    places, keys, clips = zip(*missing, strict=True)
    missing.clear()
    features = network.features(np.stack(clips), batch_size)
    for place, row in zip(places, features, strict=True):
        rows[place] = row
    if cache is not None:
        cache.add(keys, features)
