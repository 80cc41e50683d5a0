from typing import Any

import keras
import numpy as np
from keras import ops

from keras_videogpt.distribution.global_batch import global_mean
from keras_videogpt.metrics.frame_values import frame_pixels
from keras_videogpt.models.checks import check_positive, check_video
from keras_videogpt.typing import Tensor


class FrameMean(keras.metrics.Metric):
    """Mean of a value of each frame, over clips, and for each place of a frame in its clip.

    A subclass has `frame_values`.

    Args:
        num_frames: frames T of a clip.
    """

    def __init__(self, num_frames: int, **kwargs: Any):
        check_positive(num_frames=num_frames)
        super().__init__(**kwargs)
        self.num_frames = num_frames
        self.total = self.add_weight(shape=(num_frames,), initializer="zeros", name="total")
        self.weight = self.add_weight(shape=(num_frames,), initializer="zeros", name="weight")

    def frame_values(self, reference: Tensor, video: Tensor) -> Tensor:
        """What is averaged.

        Args:
            reference: float32 `(B, T, H, W, C)` in [-0.5, 0.5].
            video: like `reference`.

        Returns:
            float32 `(B, T)`.
        """
        raise NotImplementedError

    def update_state(self, reference, video, sample_weight=None):
        """Adds clips.

        Args:
            reference: `(B, T, H, W, C)`, uint8, or float in [-0.5, 0.5].
            video: of the same shape, uint8, or float as a model returns it: what lies beyond
                [-0.5, 0.5] is clipped.
            sample_weight: weights of the clips `(B,)`, or of their frames `(B, T)`.

        Raises:
            ValueError: an argument has another shape or dtype, or a frame is too small.
        """
        self._check(reference, video)
        values = self.frame_values(frame_pixels(reference), frame_pixels(video))
        values = ops.stop_gradient(values)
        weights = ops.ones_like(values)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            if len(sample_weight.shape) not in (1, 2):
                raise ValueError(
                    f"sample_weight must be (B,) or (B, T); got shape {tuple(sample_weight.shape)}."
                )
            weights *= sample_weight if len(sample_weight.shape) == 2 else sample_weight[:, None]
        sums = ops.stack([ops.sum(values * weights, axis=0), ops.sum(weights, axis=0)])
        # TensorFlow adds up what its replicas have; each has the mean of all, as on PyTorch.
        sums = ops.cast(global_mean(sums), self.dtype)
        self.total.assign_add(sums[0])
        self.weight.assign_add(sums[1])

    def _check(self, reference, video):
        if len(reference.shape) != 5:
            raise ValueError(f"reference must be (B, T, H, W, C); got {tuple(reference.shape)}.")
        check_video(reference, (self.num_frames, *reference.shape[2:]), "reference")
        if "float" not in str(video.dtype) and "uint8" not in str(video.dtype):
            raise ValueError(f"video must be uint8 or float; got {video.dtype}.")
        shapes = tuple(reference.shape), tuple(video.shape)
        # Compiled functions may not know a size.
        if len(shapes[1]) != 5 or any(
            None not in pair and pair[0] != pair[1] for pair in zip(*shapes, strict=True)
        ):
            raise ValueError(f"video must have reference's shape {shapes[0]}; got {shapes[1]}.")

    def result(self):
        """The mean over clips and frames, a scalar."""
        return ops.divide_no_nan(ops.sum(self.total), ops.sum(self.weight))

    def by_frame(self) -> np.ndarray:
        """The mean over clips for each place in a clip, `(T,)`."""
        return ops.divide_no_nan(
            ops.convert_to_tensor(self.total), ops.convert_to_tensor(self.weight)
        )

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames}
