import numpy as np
import pytest

from keras_videogpt.metrics import frame_values
from keras_videogpt.metrics.structural_similarity import ssim, ssim_per_frame

metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image")

RNG = np.random.default_rng(0)
Y, X = np.mgrid[:24, :31]
CHECKS = 255 * ((X // 6 + Y // 6) % 2)
PAIRS = {
    "noise": (RNG.integers(0, 256, (24, 31)), RNG.integers(0, 256, (24, 31))),
    "smooth": (128 + 100 * np.sin(X / 9 + Y / 5), 120 + 90 * np.sin(X / 9 + Y / 5.2)),
    "flat and bright": (X * 0 + 255, X * 0 + 245),
    "flat and dark": (X * 0 + 1, X * 0),
    "black and white": (X * 0, X * 0 + 255),
    "one level": (250 + X // 4 % 2, 250 + (X // 4 + Y // 5) % 2),
    "edges": (CHECKS, np.clip(CHECKS, 3, 250)),
    "inverse": (CHECKS, 255 - CHECKS),
}


def clip(frame):
    return np.stack([frame, frame[::-1], frame // 2], axis=-1)[None, None].astype("uint8")


def scikit_image(reference, video):
    return metrics.structural_similarity(
        reference.astype("float64"),
        video.astype("float64"),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )


@pytest.mark.parametrize("name", PAIRS)
def test_a_frame_s_similarity_is_that_of_scikit_image(name):
    reference, video = map(clip, PAIRS[name])
    expected = scikit_image(reference[0, 0], video[0, 0])
    assert ssim_per_frame(reference, video)[0, 0] == pytest.approx(expected, abs=2e-6)


def test_each_frame_is_measured_by_itself_however_many_at_a_time(monkeypatch):
    reference = RNG.integers(0, 256, (3, 3, 24, 31, 3)).astype("uint8")
    video = np.clip(reference + RNG.normal(0, 40, reference.shape), 0, 255).astype("uint8")
    expected = [
        [scikit_image(*frames) for frames in zip(*clips, strict=True)]
        for clips in zip(reference, video, strict=True)
    ]
    monkeypatch.setattr(frame_values, "VALUES_AT_A_TIME", 4 * 24 * 31 * 3)  # 4, 4 and 1 frame
    by_frame = ssim_per_frame(reference, video)
    assert by_frame.shape == (3, 3)
    np.testing.assert_allclose(by_frame, expected, atol=2e-6)
    np.testing.assert_allclose(ssim(reference, video), np.mean(expected, axis=1), atol=2e-6)


def test_a_video_is_broadcast_to_the_reference():
    reference = RNG.integers(0, 256, (2, 2, 24, 31, 3)).astype("uint8")
    frame = reference[0, 0]
    whole = np.broadcast_to(frame, reference.shape).copy()
    np.testing.assert_allclose(ssim(reference, frame), ssim(reference, whole), atol=1e-6)
    assert ssim_per_frame(reference, frame)[0, 0] == pytest.approx(1, abs=1e-6)


def test_equal_videos_have_similarity_one():
    video = RNG.integers(0, 256, (2, 2, 24, 31, 3)).astype("uint8")
    np.testing.assert_allclose(ssim(video, video), 1, atol=1e-6)


@pytest.mark.parametrize("size", [(10, 11), (11, 10)])
def test_frames_smaller_than_the_window_are_refused(size):
    video = np.zeros((1, 2, *size, 3), "uint8")
    with pytest.raises(ValueError, match=f"at least 11 x 11 for SSIM; got {size[0]} x {size[1]}"):
        ssim(video, video)
