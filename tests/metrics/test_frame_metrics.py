import keras
import numpy as np
import pytest
from keras import ops

from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.metrics.frame_metrics import PSNR, SSIM, NormalizedMSE
from keras_videogpt.metrics.normalized_error import normalized_mse
from keras_videogpt.metrics.reconstruction import psnr, psnr_per_frame
from keras_videogpt.metrics.structural_similarity import ssim, ssim_per_frame

RNG = np.random.default_rng(0)
REFERENCE = RNG.integers(0, 256, (4, 3, 12, 12, 3)).astype("uint8")
NOISE = RNG.normal(0, 1, REFERENCE.shape) * np.array([5, 20, 60])[:, None, None, None]
VIDEO = np.clip(REFERENCE + NOISE, 0, 255).astype("uint8")
KINDS = {
    "psnr": (lambda: PSNR(3), psnr),
    "ssim": (lambda: SSIM(3), ssim),
    "normalized_mse": (
        lambda: NormalizedMSE(3, variance=0.06),
        lambda reference, video: normalized_mse(reference, video, 0.06),
    ),
}
EACH_KIND = pytest.mark.parametrize(("make", "function"), KINDS.values(), ids=KINDS)


def pixels(video):
    return ops.convert_to_numpy(normalize_pixels(ops.convert_to_tensor(video)))


def value(tensor):
    return ops.convert_to_numpy(tensor)


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


@EACH_KIND
def test_batches_give_what_the_function_gives_for_all_clips(make, function):
    metric = make()
    for part in (slice(0, 3), slice(3, 4)):
        metric.update_state(REFERENCE[part], VIDEO[part])
    assert_close(value(metric.result()), function(REFERENCE, VIDEO).mean())
    metric.reset_state()
    assert value(metric.result()) == 0 and not value(metric.by_frame()).any()


@pytest.mark.parametrize(
    ("make", "function"), [(PSNR, psnr_per_frame), (SSIM, ssim_per_frame)], ids=["psnr", "ssim"]
)
def test_each_place_in_a_clip_has_its_own_mean(make, function):
    metric = make(3)
    for part in (slice(0, 3), slice(3, 4)):
        metric.update_state(REFERENCE[part], VIDEO[part])
    first, second, third = value(metric.by_frame())
    assert first > second > third  # ever more noise
    assert_close([first, second, third], function(REFERENCE, VIDEO).mean(axis=0))


@EACH_KIND
def test_tensors_on_the_scale_of_models_measure_the_same(make, function):
    metric = make()
    tensors = ops.convert_to_tensor(REFERENCE[:3]), ops.convert_to_tensor(pixels(VIDEO[:3]))
    metric.update_state(*tensors)
    assert_close(value(metric.result()), function(REFERENCE, VIDEO)[:3].mean())


@EACH_KIND
def test_compiled_evaluation_measures_the_same(make, function):
    model = keras.Sequential([keras.Input(REFERENCE.shape[1:]), keras.layers.Identity()])
    metric = make()
    model.compile(loss="mse", metrics=[metric])
    results = model.evaluate(pixels(VIDEO), REFERENCE, batch_size=2, verbose=0, return_dict=True)
    assert_close(results[metric.name], function(REFERENCE, VIDEO).mean())


@EACH_KIND
def test_copies_by_config_measure_the_same(make, function):
    metric = make()
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(copy) is type(metric) and copy.name == metric.name
    for one in (metric, copy):
        one.update_state(REFERENCE[:3], VIDEO[:3])
    assert value(copy.result()) == pytest.approx(value(metric.result()), rel=1e-6)
    assert value(copy.result()) > 0


def test_clips_and_frames_count_by_their_weights():
    metric = PSNR(3)
    values = psnr_per_frame(REFERENCE, VIDEO)
    clip_weights = np.array([1, 0, 2, 0.5], "float32")
    metric.update_state(REFERENCE, VIDEO, sample_weight=clip_weights)
    assert_close(value(metric.by_frame()), np.average(values, axis=0, weights=clip_weights))
    metric.reset_state()
    frame_weights = RNG.uniform(size=values.shape).astype("float32")
    metric.update_state(REFERENCE, VIDEO, sample_weight=frame_weights)
    assert_close(value(metric.result()), np.average(values, weights=frame_weights))
    assert_close(value(metric.by_frame()), np.average(values, axis=0, weights=frame_weights))


def test_what_a_model_returns_beyond_the_range_is_clipped():
    metric = PSNR(3)
    metric.update_state(np.full((1, 3, 4, 4, 3), 255, "uint8"), np.full((1, 3, 4, 4, 3), 0.7))
    assert value(metric.result()) == 100


def test_arguments_that_are_wrong_are_named():
    metric = PSNR(3)
    with pytest.raises(ValueError, match=r"reference must be \(B, T, H, W, C\); got \(3, 12"):
        metric.update_state(REFERENCE[0], VIDEO[0])
    with pytest.raises(ValueError, match=r"reference must have shape \(B, 3, 12, 12, 3\); got"):
        metric.update_state(REFERENCE[:, :2], VIDEO[:, :2])
    with pytest.raises(ValueError, match=r"reference of floats must lie in \[-0.5, 0.5\]"):
        metric.update_state(REFERENCE.astype("float32"), VIDEO)
    with pytest.raises(ValueError, match=r"video must have reference's shape .*; got \(2, 3"):
        metric.update_state(REFERENCE, VIDEO[:2])
    with pytest.raises(ValueError, match="video must be uint8 or float; got int32"):
        metric.update_state(REFERENCE, VIDEO.astype("int32"))
    with pytest.raises(ValueError, match=r"sample_weight must be \(B,\) or \(B, T\)"):
        metric.update_state(REFERENCE, VIDEO, np.ones((4, 3, 1), "float32"))
    with pytest.raises(ValueError, match="frames must be at least 11 x 11"):
        SSIM(3).update_state(REFERENCE[:, :, :8], VIDEO[:, :, :8])
    with pytest.raises(ValueError, match="num_frames must be a positive integer; got 0"):
        PSNR(0)
    with pytest.raises(ValueError, match="variance must be a positive number; got 0"):
        NormalizedMSE(3, variance=0)
