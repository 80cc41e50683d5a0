"""KerasCV's layers over clips; `tools/test_low_end` installs it."""

import numpy as np
import pytest

from keras_videogpt.data import Augmentation

keras_cv = pytest.importorskip("keras_cv", reason="KerasCV is installed by tools/test_low_end")

LAYERS = {
    "flip": lambda: keras_cv.layers.RandomFlip("horizontal"),
    "shift": lambda: keras_cv.layers.RandomTranslation(0.3, 0.3),
    "zoom": lambda: keras_cv.layers.RandomZoom(0.3),
    "hue": lambda: keras_cv.layers.RandomHue(0.3, (0, 255)),
    "contrast": lambda: keras_cv.layers.RandomContrast((0, 255), 0.3),
    "sharpness": lambda: keras_cv.layers.RandomSharpness(0.9, (0, 255)),
    "cutout": lambda: keras_cv.layers.RandomCutout(0.5, 0.5),
    "randaugment": lambda: keras_cv.layers.RandAugment((0, 255)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_equal_frames_stay_equal_and_seeds_differ(name):
    frame = np.random.default_rng(0).integers(0, 256, (1, 12, 16, 3), "uint8")
    still = np.repeat(frame, 3, axis=0)
    augment = Augmentation(LAYERS[name]())
    augmented = [augment(still, seed) for seed in range(6)]
    for video in augmented:
        assert video.dtype == np.uint8
        np.testing.assert_array_equal(video, np.repeat(video[:1], 3, axis=0))
    assert any((video != still).any() for video in augmented)
    assert len({video.tobytes() for video in augmented}) > 1
    np.testing.assert_array_equal(augment(still, 4), augmented[4])
    np.testing.assert_array_equal(Augmentation(LAYERS[name]())(still, 4), augmented[4])


def test_layers_that_cannot_be_used_are_refused():
    assert Augmentation(keras_cv.layers.RandomFlip("horizontal")).mirrors
    assert not Augmentation(keras_cv.layers.RandomFlip("vertical")).mirrors
    with pytest.raises(ValueError, match="from 0 to 255"):
        Augmentation(keras_cv.layers.RandomHue(0.3, (0, 1)))
    with pytest.raises(ValueError, match="mixes several"):
        Augmentation(keras_cv.layers.CutMix())
