"""What TensorBoard reads of runs: all that was to be logged, and every step once."""

import keras
import numpy as np
import pytest
from cli_runs import train_prior, train_vqvae, write_data

import keras_videogpt as kvg
from keras_videogpt.callbacks import TensorBoard
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.metrics.reconstruction import psnr

accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator",
    reason="the extra `tensorboard` is not installed",
)


def read(folder):
    """The events of a TensorBoard run, all of them."""
    sizes = dict.fromkeys(("scalars", "images", "histograms"), 0)
    return accumulator.EventAccumulator(str(folder), sizes).Reload()


def curve(events, tag):
    """Steps and values of a scalar."""
    points = events.Scalars(tag)
    return [point.step for point in points], [point.value for point in points]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def vqvae_run(data, tmp_path_factory):
    """A run that was stopped at step 4, after it logged that step and before its checkpoint."""
    folder = tmp_path_factory.mktemp("runs") / "vqvae"
    with pytest.MonkeyPatch.context() as patch:
        save = RunCheckpoint.on_epoch_end

        def stop_before_the_second(callback, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt
            save(callback, epoch, logs)

        patch.setattr(RunCheckpoint, "on_epoch_end", stop_before_the_second)
        assert train_vqvae(data, folder) == 1
    assert 4 in curve(read(folder / "logs" / "train"), "losses/loss")[0]
    assert train_vqvae(data, folder) == 0
    return folder


@pytest.fixture(scope="module")
def prior_run(data, vqvae_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "prior"
    assert train_prior(data, vqvae_run / "vqvae.keras", folder) == 0
    return folder


def test_a_tokenizer_run_shows_losses_codebook_optimizer_and_speed(vqvae_run):
    train, validation = (read(vqvae_run / "logs" / name) for name in ("train", "validation"))
    metrics = {
        *(f"losses/{name}" for name in ("loss", "reconstruction_loss", "commitment_loss")),
        *(f"codebook/{name}" for name in ("perplexity", "codes_used")),
    }
    speed = ("steps_per_second", "frames_per_second", "seconds_waiting_for_data")
    expected = {*metrics, *(f"speed/{name}" for name in speed), "optimizer/learning_rate"}
    assert expected <= set(train.Tags()["scalars"])
    assert set(validation.Tags()["scalars"]) == {*metrics, "reconstructions/psnr"}
    assert train.Tags()["histograms"] == ["codebook/usage", "codebook/norms"]
    assert validation.Tags()["images"] == ["reconstructions/clips"]


def test_no_step_is_there_twice_after_a_stop(vqvae_run):
    for name in ("train", "validation"):
        events = read(vqvae_run / "logs" / name)
        for tag in events.Tags()["scalars"]:
            assert curve(events, tag)[0] == [2, 4, 6], tag
        for tag in events.Tags()["histograms"]:
            assert [event.step for event in events.Histograms(tag)] == [2, 4, 6]
        for tag in events.Tags()["images"]:
            assert [event.step for event in events.Images(tag)] == [2, 4, 6]


def test_a_prior_run_shows_bits_per_code_and_samples(prior_run):
    train, validation = (read(prior_run / "logs" / name) for name in ("train", "validation"))
    losses = {"losses/loss", "losses/bits_per_code"}
    assert {*losses, "speed/codes_per_second"} < set(train.Tags()["scalars"])
    assert set(validation.Tags()["scalars"]) == losses
    nats, bits = (np.array(curve(train, f"losses/{n}")[1]) for n in ("loss", "bits_per_code"))
    np.testing.assert_allclose(bits, nats / np.log(2), rtol=1e-5)
    assert [image.step for image in validation.Images("samples/clips")] == [2, 4, 6]


def test_the_learning_rate_is_the_schedule_s(prior_run):
    steps, rates = curve(read(prior_run / "logs" / "train"), "optimizer/learning_rate")
    decay = keras.optimizers.schedules.CosineDecay(rates[0] / 0.75, 6)
    np.testing.assert_allclose(rates, [float(decay(step)) for step in steps], atol=1e-9)


def test_a_callback_that_is_used_again_goes_on(tmp_path):
    tensorboard = TensorBoard(tmp_path)
    for step in (1, 2):
        tensorboard.on_train_begin()
        tensorboard.step = step
        tensorboard.write_scalar("losses/loss", 1.0)
        tensorboard.on_train_end()
    assert curve(read(tmp_path / "train"), "losses/loss")[0] == [1, 2]


def test_pictures_move(vqvae_run, prior_run):
    for run, tag in ((vqvae_run, "reconstructions"), (prior_run, "samples")):
        (gif,) = (run / tag).glob("step-00000006.gif")
        image = read(run / "logs" / "validation").Images(f"{tag}/clips")[-1].encoded_image_string
        assert image == gif.read_bytes() and image.startswith(b"GIF89a")


def test_the_curve_over_frames_is_the_validation_set_s(vqvae_run, data):
    clips = kvg.data.Clips(kvg.data.open_videos(data, "valid"), 4, 16, start="first")
    videos = np.stack([clips[i]["video"] for i in range(len(clips))])
    model = kvg.load(vqvae_run)
    decoded = model.decode(model.encode(videos))
    decoded = np.clip(np.rint((decoded + 0.5) * 255), 0, 255).astype("uint8")
    frames, decibels = curve(
        read(vqvae_run / "logs" / "psnr_by_frame"), "reconstructions/psnr_by_frame"
    )
    expected = [psnr(videos[:, [t]], decoded[:, [t]]).mean() for t in range(4)]
    assert frames == [0, 1, 2, 3]
    np.testing.assert_allclose(decibels, expected, atol=1e-3)
    means = curve(read(vqvae_run / "logs" / "validation"), "reconstructions/psnr")[1]
    assert means[-1] == pytest.approx(np.mean(expected), abs=1e-3)


def test_the_histograms_are_of_all_codes(vqvae_run):
    train, model = read(vqvae_run / "logs" / "train"), kvg.load(vqvae_run)
    usage = train.Histograms("codebook/usage")[-1].histogram_value
    assert usage.num == model.num_codes and usage.sum == pytest.approx(model.num_codes, rel=1e-4)
    norms = train.Histograms("codebook/norms")[-1].histogram_value
    lengths = np.linalg.norm(keras.ops.convert_to_numpy(model.quantizer.codebook), axis=-1)
    assert (norms.min, norms.max) == pytest.approx((lengths.min(), lengths.max()), rel=1e-5)
