import numpy as np
import pytest
import torch
from keras import ops

from keras_videogpt.metrics.networks.resizing import resize_frames, resize_matrix

SIZES = [(5, 9), (64, 224), (9, 4), (7, 7), (1, 3), (3, 1)]


@pytest.mark.parametrize("alignment", ["half_pixel", "corners"])
@pytest.mark.parametrize("old, new", SIZES)
def test_frames_are_resized_as_by_pytorch(old, new, alignment):
    videos = np.random.default_rng(0).random((2, 3, old, old + 2, 3)).astype("float32")
    channels_first = torch.from_numpy(videos.reshape(6, old, old + 2, 3).transpose(0, 3, 1, 2))
    expected = torch.nn.functional.interpolate(
        channels_first, (new, new + 1), mode="bilinear", align_corners=alignment == "corners"
    )
    expected = expected.numpy().transpose(0, 2, 3, 1).reshape(2, 3, new, new + 1, 3)
    array = resize_frames(videos, new, new + 1, alignment)
    tensor = resize_frames(ops.convert_to_tensor(videos), new, new + 1, alignment)
    assert isinstance(array, np.ndarray) and ops.is_tensor(tensor)
    np.testing.assert_allclose(array, expected, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), expected, atol=1e-5)


@pytest.mark.parametrize("old, new", SIZES)
def test_the_legacy_alignment_takes_the_pixels_at_multiples_of_the_scale(old, new):
    signal = np.random.default_rng(0).random(old)
    expected = np.interp(np.arange(new) * old / new, np.arange(old), signal)
    np.testing.assert_allclose(resize_matrix(old, new, "legacy") @ signal, expected, atol=1e-6)


@pytest.mark.parametrize("alignment", ["half_pixel", "corners", "legacy"])
def test_each_new_pixel_has_at_most_two_weights_that_add_up_to_one(alignment):
    matrix = resize_matrix(10, 23, alignment)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert ((matrix != 0).sum(axis=1) <= 2).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="old must be a positive integer; got 0"):
        resize_matrix(0, 4)
    with pytest.raises(ValueError, match="alignment must be one of .* got 'center'"):
        resize_matrix(4, 4, "center")
