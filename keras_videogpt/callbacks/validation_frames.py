from typing import Any

import keras
import numpy as np
from tensorboardX import summary

from keras_videogpt.callbacks.event_file import EventFile
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.reconstruction import psnr_per_frame
from keras_videogpt.models.batches import as_numpy, field, first_batches
from keras_videogpt.training.weight_averages import averaged


class ValidationFrames(keras.callbacks.Callback):
    """After every epoch of a `VQVAE`: how well each frame of held-out clips is reconstructed.

    The mean PSNR is a value of TensorBoard's run `validation`. The run `psnr_by_frame` is a curve
    over the frames of a clip: what it shows as steps are frames. It is that of the last epoch.

    Args:
        tensorboard: the run's `TensorBoard` callback.
        data: held-out clips, as `evaluate` takes them; uint8.
        batches: most batches to look at.
    """

    def __init__(self, tensorboard: TensorBoard, data: Any, batches: int = 16):
        super().__init__()
        self.tensorboard = tensorboard
        self.data = data
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        model, decibels = self.model, []
        for batch in first_batches(self.data, self.batches):
            videos = as_numpy(field(batch, "video"))
            with averaged(model):
                reconstructions = to_uint8(model.decode(model.encode(videos)))
            decibels.append(psnr_per_frame(videos, reconstructions))
        by_frame = np.concatenate(decibels).mean(axis=0)
        mean = float(by_frame.mean())
        self.tensorboard.write_scalar("reconstructions/psnr", mean, "validation")
        folder = self.tensorboard.folder / "psnr_by_frame"
        for old in folder.glob("events*"):
            old.unlink()
        file = EventFile(folder)  # begins at 0, so that TensorBoard forgets what it has read
        for frame, value in enumerate(by_frame):
            file.write(summary.scalar("reconstructions/psnr_by_frame", float(value)), frame)
        file.close()
