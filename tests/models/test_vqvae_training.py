"""What `fit` and `evaluate` of a tokenizer take, measure and learn."""

import keras
import numpy as np
import pytest
from checks import assert_same_weights, small_vqvae, weights_of

import keras_videogpt as kvg


@pytest.fixture(scope="module")
def vqvae(videos):
    """Trained on batches of 4; its variance is measured."""
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=2, verbose=0)
    return vqvae


def steps_of(vqvae):
    return int(keras.ops.convert_to_numpy(vqvae.optimizer.iterations))


def clips(videos):
    return kvg.data.Clips(kvg.data.ArrayVideos(videos), num_frames=4, size=16, start="first")


def tf_dataset(videos):
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    return tf.data.Dataset.from_tensor_slices(videos).batch(4)


def data_loader(videos):
    import torch

    data = [{"video": video} for video in videos]
    return torch.utils.data.DataLoader(data, batch_size=4)


SOURCES = {
    "array": lambda videos: videos,
    "dictionary of arrays": lambda videos: {"video": videos},
    "our dataset": lambda videos: kvg.data.dataset(clips(videos), batch_size=4),
    "tf.data of dictionaries": lambda videos: tf_dataset({"video": videos}),
    "tf.data of bare videos": tf_dataset,
}
if keras.backend.backend() == "torch":  # elsewhere Keras takes no dictionaries from a DataLoader
    SOURCES["DataLoader"] = data_loader


@pytest.mark.parametrize("source", SOURCES)
def test_fit_measures_the_variance_of_and_trains_on(source, vqvae, videos):
    x = SOURCES[source](videos)
    options = {"batch_size": 4} if isinstance(x, np.ndarray | dict) else {}
    vqvae.measured_variance.assign(0.0)
    steps, before = steps_of(vqvae), weights_of(vqvae)
    history = vqvae.fit(x, verbose=0, **options)
    assert steps_of(vqvae) == steps + 2
    variance = float(keras.ops.convert_to_numpy(vqvae.measured_variance))
    assert variance == pytest.approx(np.var(videos / 255.0), rel=1e-5)
    assert np.isfinite(history.history["loss"]).all()
    moved = [(one != other).any() for one, other in zip(before, weights_of(vqvae), strict=True)]
    assert np.mean(moved) > 0.9


def test_fit_takes_a_generator_once_the_variance_is_known(vqvae, videos):
    def generator():
        while True:
            yield {"video": videos[:4]}

    steps = steps_of(vqvae)
    vqvae.fit(generator(), steps_per_epoch=3, verbose=0)
    assert steps_of(vqvae) == steps + 3
    vqvae.measured_variance.assign(0.0)
    with pytest.raises(ValueError, match="generator can be read only once. Pass data_variance"):
        vqvae.fit(generator(), steps_per_epoch=3, verbose=0)
    vqvae.measure_variance(videos)


def test_the_loss_is_the_error_over_the_variance_plus_the_commitment(vqvae, videos):
    clips = videos[:4]
    vqvae.measure_variance(videos)
    outputs = vqvae.predict(clips, batch_size=4, verbose=0)
    error = np.square(clips / 255.0 - 0.5 - outputs["reconstruction"]).mean()
    expected = error / np.var(videos / 255.0), 0.25 * outputs["commitment"].mean()
    figures = vqvae.evaluate(clips, batch_size=4, verbose=0, return_dict=True)
    assert figures["reconstruction_loss"] == pytest.approx(expected[0], rel=1e-4)
    assert figures["commitment_loss"] == pytest.approx(expected[1], rel=1e-4)
    assert figures["loss"] == pytest.approx(sum(expected), rel=1e-4)
    shares = np.bincount(outputs["codes"].ravel(), minlength=32) / outputs["codes"].size
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert figures["perplexity"] == pytest.approx(np.exp(entropy), rel=1e-4)
    assert figures["codes_used"] == pytest.approx((shares > 0).mean())


def test_evaluation_changes_nothing(vqvae, videos):
    before = weights_of(vqvae)
    vqvae.evaluate(videos[:4], batch_size=4, verbose=0)
    assert_same_weights(weights_of(vqvae), before)


def test_a_variance_that_is_given_stays(videos):
    vqvae = small_vqvae(data_variance=0.06)
    vqvae.check_data(videos)
    assert float(keras.ops.convert_to_numpy(vqvae.measured_variance)) == pytest.approx(0.06)


def test_float_videos_have_the_variance_of_uint8_ones(vqvae, videos):
    expected = np.var(videos / 255.0)
    assert vqvae.measure_variance(videos) == pytest.approx(expected)
    assert vqvae.measure_variance((videos / 255.0 - 0.5).astype("float32")) == pytest.approx(
        expected, rel=1e-4
    )


def test_videos_of_one_colour_are_an_error(vqvae):
    with pytest.raises(ValueError, match="no variance"):
        vqvae.measure_variance(np.full((2, 4, 16, 16, 3), 7, "uint8"))


def test_training_lowers_the_loss_and_moves_batch_statistics_and_codebook(videos):
    vqvae = small_vqvae()
    vqvae.compile(optimizer=keras.optimizers.Adam(3e-3))
    history = vqvae.fit(videos, batch_size=4, epochs=15, verbose=0).history["loss"]
    assert np.mean(history[-3:]) < 0.8 * history[0]
    (norm,) = [x for x in vqvae.encoder.layers if x.name == "residual_norm"]
    assert np.abs(keras.ops.convert_to_numpy(norm.moving_mean)).max() > 1e-3
    assert float(keras.ops.convert_to_numpy(vqvae.quantizer.initialized)) == 1


def test_a_saved_training_goes_on_as_one_never_stopped(videos, tmp_path):
    vqvae = small_vqvae(restart_threshold=2.0)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    vqvae.fit(videos, **options)
    vqvae.save(tmp_path / "stopped.keras")
    loaded = kvg.load(tmp_path / "stopped.keras")
    start = weights_of(vqvae)
    assert_same_weights(weights_of(loaded), start)
    vqvae.fit(videos, epochs=2, **options)
    loaded.fit(videos, epochs=2, **options)
    assert steps_of(loaded) == steps_of(vqvae) == 6
    assert_same_weights(weights_of(loaded), weights_of(vqvae), tolerance=1e-6)
    moved = [np.abs(a - b).max() for a, b in zip(start, weights_of(vqvae), strict=True)]
    assert max(moved) > 1e-2


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros((4, 4, 16, 16, 3)) + 3, "video of floats must lie in"),
        (np.zeros((4, 4, 16, 12, 3), "uint8"), r"video must have shape \(B, 4, 16, 16, 3\)"),
        ({"frames": np.zeros((4, 4, 16, 16, 3), "uint8")}, "must have the key 'video'"),
    ],
)
def test_fit_rejects_a_wrong_first_batch_by_name(vqvae, wrong, message):
    with pytest.raises(ValueError, match=message):
        vqvae.fit(wrong, batch_size=4, verbose=0)


def test_targets_beside_the_videos_are_an_error(vqvae, videos):
    with pytest.raises(ValueError, match="without targets"):
        vqvae.fit(videos, np.zeros(len(videos)), batch_size=4, verbose=0)
