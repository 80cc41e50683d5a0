import os
from pathlib import Path

import keras
from tensorboardX import SummaryWriter
from tensorboardX.proto.summary_pb2 import Summary


class TensorBoard(keras.callbacks.Callback):
    """Writes losses and metrics for TensorBoard, on every backend and without TensorFlow.

    Training values are Keras's running means since the epoch began, under `train/`; validation
    values are under `validation/`. The step counts batches over all parts of a run.

    Args:
        folder: folder of the logs.
        first_step: training steps done before this part of the run.
        every: batches between two training values.

    Example:
        >>> from keras_videogpt.callbacks import TensorBoard
        >>> callback = TensorBoard("logs")
    """

    def __init__(self, folder: str | os.PathLike, first_step: int = 0, every: int = 20):
        super().__init__()
        self.folder = Path(folder)
        self.step = first_step
        self.every = every
        self.writer = None

    def on_train_begin(self, logs=None):
        self.writer = SummaryWriter(str(self.folder))

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step % self.every == 0:
            self._write("train", logs)

    def on_epoch_end(self, epoch, logs=None):
        validation = {
            name.removeprefix("val_"): value
            for name, value in (logs or {}).items()
            if name.startswith("val_")
        }
        self._write("validation", validation)
        rate = self.model.optimizer.learning_rate
        self._write("train", {"learning_rate": keras.ops.convert_to_numpy(rate)})
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()

    def _write(self, group, values):
        for name, value in (values or {}).items():
            self.writer.add_scalar(f"{group}/{name}", float(value), self.step)

    def write_gif(self, name: str, path: str | os.PathLike) -> None:
        """Shows a GIF file among TensorBoard's images, moving."""
        image = Summary.Image(encoded_image_string=Path(path).read_bytes(), colorspace=3)
        self.writer.file_writer.add_summary(
            Summary(value=[Summary.Value(tag=name, image=image)]), self.step
        )
