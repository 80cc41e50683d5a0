from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.data.video_writer import write_video
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.sampling.sample import sample
from keras_videogpt.training.weight_averages import averaged


class _Pictures(keras.callbacks.Callback):
    """Writes a GIF at the end of every epoch, to a folder and to TensorBoard."""

    name = ""

    def __init__(self, folder: Path, tensorboard: TensorBoard):
        super().__init__()
        self.folder = Path(folder)
        self.tensorboard = tensorboard

    def on_epoch_end(self, epoch, logs=None):
        path = self.folder / f"step-{self.tensorboard.step:08d}.gif"
        path.parent.mkdir(parents=True, exist_ok=True)
        with averaged(self.model):
            videos = self.videos()
        write_video(path, videos, overwrite=True)
        self.tensorboard.write_gif(f"{self.name}/clips", path)

    def videos(self) -> np.ndarray:
        """The uint8 clips `(n, T, H, W, C)` to show."""
        raise NotImplementedError


class ReconstructionPictures(_Pictures):
    """After every epoch: held-out clips, each with its reconstruction on its right.

    Args:
        folder: where the GIFs go.
        tensorboard: the run's `TensorBoard` callback, before this one in the list.
        clips: uint8 clips `(n, T, H, W, C)`.
    """

    name = "reconstructions"

    def __init__(self, folder: Path, tensorboard: TensorBoard, clips: np.ndarray):
        super().__init__(folder, tensorboard)
        self.clips = clips

    def videos(self) -> np.ndarray:
        return beside(self.clips, to_uint8(self.model.decode(self.model.encode(self.clips))))


class SamplePictures(_Pictures):
    """After every epoch: clips sampled from the prior, always with the same random numbers.

    Args:
        folder: where the GIFs go.
        tensorboard: the run's `TensorBoard` callback, before this one in the list.
        n: number of clips.
        clips: uint8 clips `(n, T, H, W, C)` to show on the left of the samples, for a prior that
            is given their first frames; `None` shows the samples alone.
        **conditions: arguments of `sample`.
    """

    name = "samples"

    def __init__(
        self,
        folder: Path,
        tensorboard: TensorBoard,
        n: int = 4,
        clips: np.ndarray | None = None,
        **conditions: Any,
    ):
        super().__init__(folder, tensorboard)
        self.n = n
        self.clips = clips
        self.conditions = conditions

    def videos(self) -> np.ndarray:
        samples = sample(self.model, self.n, seed=0, progress=False, **self.conditions)
        return samples if self.clips is None else beside(self.clips, samples)


def beside(left: np.ndarray, right: np.ndarray, gap: int = 2) -> np.ndarray:
    """Pairs of clips side by side, with a white gap: two `(n, T, H, W, C)` to one."""
    white = np.full((*left.shape[:3], gap, left.shape[4]), 255, "uint8")
    return np.concatenate([left, white, right], axis=3)
