"""The augmentations that `--augment` knows by name."""

from collections.abc import Callable, Sequence

import keras

from keras_videogpt.data.augmentation import Augmentation

NAMED: dict[str, Callable[[], keras.Layer]] = {
    "flip": lambda: keras.layers.RandomFlip("horizontal", dtype="float32"),
    "shift": lambda: keras.layers.RandomTranslation(0.1, 0.1, "reflect", dtype="float32"),
    "rotate": lambda: keras.layers.RandomRotation(0.03, "reflect", dtype="float32"),
    "zoom": lambda: keras.layers.RandomZoom((-0.2, 0.0), fill_mode="reflect", dtype="float32"),
    "brightness": lambda: keras.layers.RandomBrightness(0.2, dtype="float32"),
    "contrast": lambda: keras.layers.RandomContrast(0.2, dtype="float32"),
    "saturation": lambda: keras.layers.RandomSaturation((0.3, 0.7), dtype="float32"),
    "hue": lambda: keras.layers.RandomHue(0.05, dtype="float32"),
}


def named_augmentation(names: Sequence[str]) -> Augmentation:
    """Augmentations by their names, in the order given.

    Args:
        names: some of `"flip"` (left to right, half of the clips), `"shift"` (up to a tenth of a
            side), `"rotate"` (up to 11 degrees), `"zoom"` (in, up to a fifth), `"brightness"`,
            `"contrast"`, `"saturation"` and `"hue"` (moderately).

    Returns:
        An `Augmentation`.

    Raises:
        ValueError: no name, or an unknown one.

    Example:
        >>> from keras_videogpt.data.named_augmentations import named_augmentation
        >>> named_augmentation(["flip", "zoom"]).mirrors
        True
    """
    unknown = [name for name in names if name not in NAMED]
    if unknown or not names:
        raise ValueError(
            f"`names` must be some of {', '.join(NAMED)}. Received: {', '.join(unknown) or 'none'}"
        )
    return Augmentation([NAMED[name]() for name in names])
