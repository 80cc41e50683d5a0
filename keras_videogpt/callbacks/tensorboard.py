import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from tensorboardX import summary
from tensorboardX.proto.summary_pb2 import Summary

from keras_videogpt.callbacks.callback_list import as_numbers
from keras_videogpt.callbacks.event_file import EventFile
from keras_videogpt.callbacks.interval_means import IntervalMeans
from keras_videogpt.callbacks.optimizer_values import optimizer_values
from keras_videogpt.callbacks.throughput import Throughput

GROUPS = {"perplexity": "codebook", "codes_used": "codebook"}  # the others are losses


class TensorBoard(keras.callbacks.Callback):
    """Writes losses, metrics, the optimizer's and the speed's for TensorBoard, on every backend.

    There are two TensorBoard runs, so that both curves of a loss are in one chart: `train`, with
    means over the batches since the last value, and `validation`, with a value per epoch. The share
    of codes used is that of an epoch. The step counts batches over all parts of a run.

    Args:
        folder: folder of the logs.
        first_step: training steps done before this part of the run. What earlier parts logged
            beyond them is forgotten.
        every: batches between two training values.
        throughput: how the speed is measured; by default in steps alone.

    Example:
        >>> from keras_videogpt.callbacks import TensorBoard
        >>> callback = TensorBoard("logs")
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        first_step: int = 0,
        every: int = 20,
        throughput: Throughput | None = None,
    ):
        super().__init__()
        self.folder = Path(folder)
        self.step = self.first_step = self.epoch_start = first_step
        self.every = every
        self.throughput = throughput or Throughput()
        self.means = IntervalMeans()
        self.files: dict[str, EventFile] = {}

    def on_train_begin(self, logs=None):
        self.first_step = self.step  # of this `fit`

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_start = self.step
        self.means.restart()
        self.throughput.stop()

    def on_train_batch_end(self, batch, logs=None):
        before, self.step = self.step, self.epoch_start + batch + 1
        if self.step // self.every > before // self.every:
            names = {m.name for m in self.model.metrics if isinstance(m, keras.metrics.Mean)}
            means = as_numbers({name: logs[name] for name in logs if name in names})
            self._write(self.means.read(batch + 1, means), "train")
            self._write(optimizer_values(self.model.optimizer), "train", "optimizer")
            if self.throughput.started:
                self._write(self.throughput.read(self.step), "train", "speed")
        if not self.throughput.started:  # the first step of all compiles
            self.throughput.start(self.step)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self._write({k: value for k, value in logs.items() if k == "codes_used"}, "train")
        validation = {k[4:]: value for k, value in logs.items() if k.startswith("val_")}
        self._write(validation, "validation")

    def on_train_end(self, logs=None):
        for file in self.files.values():
            file.close()
        self.files.clear()

    def _write(self, values: Mapping[str, float], run: str, group: str | None = None) -> None:
        for name, value in values.items():
            self.write_scalar(f"{group or GROUPS.get(name, 'losses')}/{name}", value, run)

    def write_scalar(self, tag: str, value: float, run: str = "train") -> None:
        """Shows a number in the chart `tag`, at this step."""
        self._add(summary.scalar(tag, value), run)

    def write_histogram(self, tag: str, values: np.ndarray, run: str = "train") -> None:
        """Shows how values are distributed, at this step."""
        self._add(summary.histogram(tag, values, bins=30), run)

    def write_gif(self, tag: str, path: str | os.PathLike, run: str = "validation") -> None:
        """Shows a GIF file among TensorBoard's images, moving, at this step."""
        image = Summary.Image(encoded_image_string=Path(path).read_bytes(), colorspace=3)
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), run)

    def _add(self, content: Summary, run: str) -> None:
        if run not in self.files:
            self.files[run] = EventFile(self.folder / run, self.first_step + 1)
        self.files[run].write(content, self.step)
