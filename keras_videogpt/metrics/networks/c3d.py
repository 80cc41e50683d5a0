import hashlib
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from keras_videogpt.metrics.networks.c3d_network import (
    c3d_network,
    checked_array,
    load_chainer_weights,
)
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.resizing import resize_frames

FRAMES = 16
SIZE = 112

# Pixels in [-1, 1] are multiplied by it, and the mean clip is subtracted from it.
SCALE = 128.0


class C3D(FeatureNetwork):
    """C3D trained on UCF-101: the classifier of the paper's Inception Score.

    Its weights and the mean clip are at github.com/rezoo/tgan2/releases/tag/v1.0. Frames become BGR
    in [0, 256], are resized to 112x112 with aligned corners, whatever their aspect, and lose the
    mean clip, as in pfnet-research/tgan2. Videos have 16 frames.

    Args:
        weights: `conv3d_deepnetA_ucf.npz`, or another npz that Chainer wrote of this network.
        mean: `mean2.npz`, whose `mean` is a float clip `(1, 3, 16, 128, 171)`, BGR in [0, 255].
            `None` takes `pre/W`, `pre/b` and `mean/b` of `weights`, where they are.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file is no npz, lacks an array, or has one of another shape, or no file has
            the mean.

    Example:
        >>> C3D("conv3d_deepnetA_ucf.npz", "mean2.npz")
        Traceback (most recent call last):
        FileNotFoundError: conv3d_deepnetA_ucf.npz does not exist.

    Source: Tran et al., arXiv 1412.0767; arXiv 2104.10157, table 2, by
    github.com/pfnet-research/tgan2, tgan2/models/c3d/c3d_ucf101.py.
    """

    def __init__(self, weights: str | os.PathLike, mean: str | os.PathLike | None = None):
        arrays = _read_npz(weights)
        model = c3d_network()
        load_chainer_weights(model, arrays, weights)
        if mean is None:
            preprocessing = _stored_preprocessing(arrays, weights)
        else:
            preprocessing = (SCALE * np.eye(3)[::-1], np.zeros(3), SCALE - _mean_clip(mean))
        # Matrix (BGR, RGB), offset (BGR), and offset of each pixel (16, 112, 112, BGR).
        self._matrix, self._offset, self._pixel_offset = (
            np.ascontiguousarray(array, "float32") for array in preprocessing
        )
        digest = hashlib.sha256()
        for array in (self._matrix, self._offset, self._pixel_offset):
            digest.update(array.tobytes())
        super().__init__(
            model,
            self._preprocess,
            name="C3D UCF-101 logits",
            distance="Fréchet distance of C3D logits",
            min_frames=FRAMES,
            settings={
                "preprocessing": "tgan2",
                "mean_hash": digest.hexdigest()[:16],
                "version": 1,
            },
        )

    def _preprocess(self, videos):
        if videos.shape[1] != FRAMES:
            raise ValueError(f"C3D takes videos of exactly {FRAMES} frames; got {videos.shape[1]}.")
        # In NumPy, whose products of float32 are exact enough on every machine.
        x = np.asarray(videos, "float32") / 127.5 - 1
        x = x @ self._matrix.T + self._offset  # (B, 16, H, W, BGR)
        return resize_frames(x, SIZE, SIZE, alignment="corners") + self._pixel_offset


def _read_npz(path):
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} must be an undamaged npz file; it is no zip file.")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} must be an undamaged npz file of plain arrays; {error}."
        ) from None


def _stored_preprocessing(arrays, path):
    if "mean/b" not in arrays:
        raise ValueError(f"{path} has no mean clip (mean/b): pass mean, the path of mean2.npz.")
    matrix = checked_array(arrays, "pre/W", (3, 3, 1, 1, 1), path)[..., 0, 0, 0]
    offset = np.zeros(3)
    if "pre/b" in arrays:
        offset = checked_array(arrays, "pre/b", (3,), path)
    clip = checked_array(arrays, "mean/b", (3, FRAMES, SIZE, SIZE), path)
    return matrix, offset, np.moveaxis(clip, 0, -1)


def _mean_clip(path):
    """The centre of the mean clip, `(16, 112, 112, BGR)`."""
    clip = checked_array(_read_npz(path), "mean", (1, 3, FRAMES, 128, 171), path)[0]
    return np.moveaxis(clip[:, :, 8 : 8 + SIZE, 8 : 8 + SIZE], 0, -1)
