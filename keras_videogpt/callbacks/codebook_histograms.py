import keras
import numpy as np
from keras import ops

from keras_videogpt.callbacks.tensorboard import TensorBoard


class CodebookHistograms(keras.callbacks.Callback):
    """After every epoch of a `VQVAE`: histograms of the usage and of the norms of its codes.

    Usage is the moving count of a code over that of the average code: 1 for all of them if they
    occur equally often, near 0 for dead ones. Norms are Euclidean.

    Args:
        tensorboard: the run's `TensorBoard` callback.
    """

    def __init__(self, tensorboard: TensorBoard):
        super().__init__()
        self.tensorboard = tensorboard

    def on_epoch_end(self, epoch, logs=None):
        quantizer = self.model.quantizer
        counts = ops.convert_to_numpy(quantizer.counts)  # (G, num_codes)
        usage = counts / counts.mean(axis=-1, keepdims=True)
        norms = np.linalg.norm(ops.convert_to_numpy(quantizer.codebook), axis=-1)
        self.tensorboard.write_histogram("codebook/usage", usage)
        self.tensorboard.write_histogram("codebook/norms", norms)
