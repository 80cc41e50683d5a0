"""Image augmentation layers of Keras and KerasCV, applied to whole clips."""

import sys
import threading
from collections.abc import Sequence

import keras
import numpy as np

# What moves pixels: all frames at once, as the channels of one image.
GEOMETRIC = ("RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomShear")
# What changes colours wherever they are: all frames at once, below one another.
COLOR = (
    *("AutoContrast", "Equalization", "RandomBrightness", "RandomColorDegeneration"),
    *("RandomColorJitter", "RandomContrast", "RandomGrayscale", "RandomHue", "RandomInvert"),
    *("RandomPosterization", "RandomSaturation", "Solarization"),
)
MIXING = ("CutMix", "FourierMix", "MixUp", "Mosaic")


class Augmentation:
    """Image augmentation layers that treat every frame of a clip alike.

    The layers draw random numbers once a clip: frames that are equal stay equal. What they draw
    depends on the seed of the call alone. Layers that move pixels see the frames as channels of
    one image, those that change colours see them below one another; any other layer is called
    frame by frame, each time with the same random numbers, which takes longer. They run on the
    CPU, on Keras's backend (those of KerasCV always on TensorFlow, whose global seed they set).

    Args:
        layers: a layer for images with values from 0 to 255 that keeps their size, or several,
            applied one after the other: `keras.layers.RandomZoom(0.1)`,
            `keras_cv.layers.RandomHue(0.1, (0, 255))`, ...

    Attributes:
        mirrors: whether pictures may be mirrored left to right, so that actions would not fit.

    Raises:
        ValueError: no layer, one for another range of values, or one that mixes images.

    Example:
        >>> from keras_videogpt.data import Augmentation
        >>> augment = Augmentation(keras.layers.RandomTranslation(0.2, 0.2))
        >>> clip = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), "uint8")
        >>> augment(clip, seed=1).shape
        (4, 16, 16, 3)
    """

    def __init__(self, layers: keras.Layer | Sequence[keras.Layer]) -> None:
        layers = [layers] if isinstance(layers, keras.Layer) else list(layers)
        if not layers or not all(isinstance(layer, keras.Layer) for layer in layers):
            raise ValueError(
                "`layers` must be a Keras layer, or a list of some. "
                f"Received: {[type(layer).__name__ for layer in layers]}"
            )
        self.layers = layers
        # Seeds are state of the layers: threads that share them take turns.
        self._lock = threading.Lock()
        for part in self._parts():
            self._check(part)

    @property
    def mirrors(self) -> bool:
        return any(
            type(part).__name__ == "RandomFlip" and "horizontal" in part.mode
            for part in self._parts()
        )

    def __call__(self, clip: np.ndarray, seed: int) -> np.ndarray:
        """Augments a clip.

        Args:
            clip: uint8 array (T, H, W, 3).
            seed: int from 0 to 2**64 - 1.

        Returns:
            uint8 array of the same shape.

        Raises:
            ValueError: a layer changes the size.
        """
        with self._lock, keras.device("cpu"):
            seeds = np.random.default_rng(seed)
            for layer in self.layers:
                augmented = self._apply(layer, clip, int(seeds.integers(2**31)))
                if augmented.shape != clip.shape:
                    raise ValueError(
                        "`augment` must keep the size of frames; `Clips` resizes and crops. "
                        f"Received: {layer.name}, which makes {augmented.shape} of {clip.shape}"
                    )
                clip = np.rint(np.clip(augmented, 0, 255)).astype("uint8")
        return clip

    def _apply(self, layer: keras.Layer, clip: np.ndarray, seed: int) -> np.ndarray:
        frames, height, width, channels = clip.shape
        kind = type(layer).__name__
        if kind in GEOMETRIC:
            image = clip.transpose(1, 2, 0, 3).reshape(height, width, frames * channels)
            image = _call(layer, image, seed)
            return image.reshape(*image.shape[:2], frames, channels).transpose(2, 0, 1, 3)
        if kind in COLOR:
            image = clip.reshape(frames * height, width, channels)
            return _call(layer, image, seed).reshape(clip.shape)
        return np.stack([_call(layer, frame, seed) for frame in clip])

    def _parts(self) -> list[keras.Layer]:
        """The layers and those inside them."""
        return [part for layer in self.layers for part in layer._flatten_layers()]

    def _check(self, part: keras.Layer) -> None:
        kind = type(part).__name__
        if kind in MIXING:
            raise ValueError(
                f"`layers` must change one clip at a time; {kind} mixes several and their labels."
            )
        values = getattr(part, "value_range", (0, 255))
        if tuple(values) != (0, 255):
            raise ValueError(
                "`layers` must take values from 0 to 255. "
                f"Received: {kind} with value_range={values!r}"
            )


def _call(layer: keras.Layer, image: np.ndarray, seed: int) -> np.ndarray:
    """What a layer makes of an image (H, W, C) with the random numbers of a seed; float32."""
    _set_seeds(layer, seed)
    image = layer(keras.ops.convert_to_tensor(image, "float32"), training=True)
    return keras.ops.convert_to_numpy(keras.ops.cast(image, "float32"))


def _set_seeds(layer: keras.Layer, seed: int) -> None:
    weights = {id(weight) for weight in layer.weights}
    states = [state for state in layer.variables if id(state) not in weights]
    seeds = np.random.default_rng(seed).integers(2**31, size=len(states))
    for state, own_seed in zip(states, seeds, strict=True):
        state.assign([own_seed, 0])
    if "keras_cv" in sys.modules:
        _set_keras_cv_seeds(layer, seed)


def _set_keras_cv_seeds(layer: keras.Layer, seed: int) -> None:
    """Its layers draw from TensorFlow's generators, by default from the one that all share."""
    parts = [part for part in layer._flatten_layers() if hasattr(part, "_random_generator")]
    if parts:
        import tensorflow as tf

        tf.random.set_seed(seed)
        for part in parts:
            part._random_generator = tf.random.Generator.from_seed(seed)


def as_augmentation(
    augment: Augmentation | keras.Layer | Sequence[keras.Layer], has_actions: bool
) -> Augmentation:
    """What `Clips` takes as `augment`, as an `Augmentation` that fits its videos.

    Args:
        augment: an `Augmentation`, or what one is made of.
        has_actions: whether the videos have actions.

    Returns:
        The `Augmentation`.

    Raises:
        ValueError: it mirrors, and there are actions.

    Example:
        >>> as_augmentation(keras.layers.RandomContrast(0.2), has_actions=True).mirrors
        False
    """
    if not isinstance(augment, Augmentation):
        augment = Augmentation(augment)
    if augment.mirrors and has_actions:
        raise ValueError(
            "`augment` must not mirror videos with actions: a mirrored picture would no longer "
            "fit its actions. Received: RandomFlip"
        )
    return augment
