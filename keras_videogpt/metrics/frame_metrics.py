from typing import Any

import keras

from keras_videogpt.metrics.frame_mean import FrameMean
from keras_videogpt.metrics.positive_number import check_positive_number
from keras_videogpt.metrics.reconstruction import frame_psnr, frame_squared_error
from keras_videogpt.metrics.structural_similarity import frame_ssim
from keras_videogpt.typing import Tensor


@keras.saving.register_keras_serializable("keras_videogpt")
class PSNR(FrameMean):
    """Peak signal-to-noise ratio in decibels, of videos that come in batches: as `psnr`.

    Args:
        num_frames: frames T of a clip.

    Example:
        >>> metric = PSNR(num_frames=2)
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> metric.update_state(black, black + np.uint8(51))
        >>> round(float(metric.result()), 3)
        13.979
    """

    def __init__(self, num_frames: int, name: str = "psnr", **kwargs: Any):
        super().__init__(num_frames, name=name, **kwargs)

    def frame_values(self, reference: Tensor, video: Tensor) -> Tensor:
        return frame_psnr(reference, video)


@keras.saving.register_keras_serializable("keras_videogpt")
class SSIM(FrameMean):
    """Structural similarity, of videos that come in batches: as `ssim`.

    Args:
        num_frames: frames T of a clip.

    Example:
        >>> metric = SSIM(num_frames=2)
        >>> black = np.zeros((1, 2, 16, 16, 3), "uint8")
        >>> metric.update_state(black, black)
        >>> [float(value) for value in metric.by_frame()]
        [1.0, 1.0]
    """

    def __init__(self, num_frames: int, name: str = "ssim", **kwargs: Any):
        super().__init__(num_frames, name=name, **kwargs)

    def frame_values(self, reference: Tensor, video: Tensor) -> Tensor:
        return frame_ssim(reference, video)


@keras.saving.register_keras_serializable("keras_videogpt")
class NormalizedMSE(FrameMean):
    """Mean squared error over the data's variance, of videos in batches: as `normalized_mse`.

    Args:
        num_frames: frames T of a clip.
        variance: the variance of the data's pixels on the scale [0, 1].

    Example:
        >>> metric = NormalizedMSE(num_frames=2, variance=0.25)
        >>> black = np.zeros((1, 2, 4, 4, 3), "uint8")
        >>> metric.update_state(black, black + np.uint8(255))
        >>> float(metric.result())
        4.0

    Source:
        Yan et al. 2021, "VideoGPT", table 3.
    """

    def __init__(
        self, num_frames: int, variance: float, name: str = "normalized_mse", **kwargs: Any
    ):
        check_positive_number("variance", variance)
        super().__init__(num_frames, name=name, **kwargs)
        self.variance = variance

    def frame_values(self, reference: Tensor, video: Tensor) -> Tensor:
        return frame_squared_error(reference, video) / self.variance

    def get_config(self):
        return {**super().get_config(), "variance": self.variance}
