import json

import numpy as np
import pytest
from checks import randomize, small_gpt, small_vqvae
from PIL import Image

from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.evaluation import Evaluation, held_out, samples
from keras_videogpt.evaluation.batch_results import BatchResults
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics import (
    diversity,
    frechet_distance,
    get_protocol,
    normalized_mse,
    psnr,
    random_network,
    ssim,
)
from keras_videogpt.sampling.sample import sample

PROTOCOL = get_protocol("videogpt").with_counts(4, trials=2, num_frames=4)
MEAN_FRAME = np.full((16, 16, 3), 99.6)


@pytest.fixture(scope="module")
def gpt(videos):
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=5, verbose=0)
    gpt = small_gpt(vqvae, num_classes=3)
    randomize(gpt)
    return gpt


@pytest.fixture(scope="module")
def network():
    return random_network(seed=3)


@pytest.fixture(scope="module")
def clips(videos):
    more = np.concatenate([videos, videos[:, ::-1], 255 - videos[:3]])  # 19 clips
    store = ArrayVideos(more, labels=np.arange(19) % 3)
    return Clips(store, num_frames=4, size=16, start="first")


@pytest.fixture(scope="module")
def evaluation(network):
    return Evaluation(
        PROTOCOL, network, network, batch_size=3, seed=5, controls={"top_k": 20}, cache=False
    )


@pytest.fixture(scope="module")
def measured(evaluation, gpt, clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured") / "work"
    return evaluation.run(gpt, clips, MEAN_FRAME, folder, "colours", "held out"), folder


def test_figures_are_those_of_the_functions_on_all_clips(measured, gpt, clips, network):
    found, folder = measured
    order = np.random.default_rng(5).permutation(19)
    real = np.stack([clips[int(i)]["video"] for i in order])
    codes = gpt.tokenizer.encode(real)
    reconstructed = to_uint8(gpt.tokenizer.decode(codes))
    variance = float(np.asarray(gpt.tokenizer.measured_variance))
    mean = np.broadcast_to(np.uint8(100), real.shape)
    expected = {
        "held-out clips": 19,
        "PSNR (dB)": psnr(real, reconstructed).mean(),
        "PSNR of the mean training frame (dB)": psnr(real, mean).mean(),
        "SSIM": ssim(real, reconstructed).mean(),
        "NMSE": normalized_mse(real, reconstructed, variance).mean(),
        "share of codes used": len(np.unique(codes)) / 32,
        "bits per code of the prior": gpt.bits_per_dim(codes, labels=order % 3).mean(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    assert found["bits per pixel dimension"] == pytest.approx(
        found["bits per code of the prior"] * 32 / (4 * 16 * 16 * 3)
    )
    means = found["by_frame"]["PSNR (dB)"]
    assert len(means) == 4 and np.mean(means) == pytest.approx(found["PSNR (dB)"])

    reconstructions = f"{network.distance} of reconstructions"
    value = frechet_distance(network.features(real[:4]), network.features(reconstructed[:4]))
    assert found[reconstructions] == pytest.approx(value, rel=1e-3)
    details = found["distances"][reconstructions]
    assert details["real_count"] == details["floor_count"] == 4 and details["floor"] > 0
    assert details["resolution"] == [16, 16] and details["weights_hash"] == network.weights_hash
    assert json.loads((folder / "figures.json").read_text()) == json.loads(json.dumps(found))
    assert found["settings"]["data"] == "colours" and details["split"] == "held out"


def test_samples_are_given_the_held_out_clips_conditions_and_measured(
    measured, gpt, clips, network, evaluation
):
    found, folder = measured
    order = np.random.default_rng(5).permutation(19)
    options = {"top_k": 20, "seed": 5, "batch_size": 3, "progress": False}
    drawn, codes = sample(gpt, 8, labels=order[:8] % 3, return_codes=True, **options)
    kept = [np.load(path) for path in sorted(folder.glob("samples-*.npz"))]
    np.testing.assert_array_equal(np.concatenate([one["codes"] for one in kept]), codes)
    features = network.features(drawn)
    np.testing.assert_allclose(np.concatenate([one["features"] for one in kept]), features, 1e-4)
    assert found["diversity of samples"] == pytest.approx(diversity(features), rel=1e-4)
    of_samples = found["distances"][f"{network.distance} of samples"]
    assert of_samples["trials"] == 2 and of_samples["std"] > 0 and of_samples["fake_count"] == 4
    assert found["sampled codes per second"] > 0
    value = of_samples["value"]
    real = np.stack([clips[int(i)]["video"] for i in order[:8]])
    trials = [
        frechet_distance(network.features(real[rows]), features[rows])
        for rows in (slice(0, 4), slice(4, 8))
    ]
    assert value == pytest.approx(np.mean(trials), rel=1e-3)
    to_reconstructions = f"{network.distance} of samples to reconstructions"
    assert found[to_reconstructions] != value and found[to_reconstructions] > 0
    score = found["scores"][f"Inception Score of samples, {network.name}"]
    assert score["count"] == 8 and score["splits"] == 2 and score["mean"] >= 1
    assert score["weights_hash"] == network.weights_hash


def test_other_seeds_give_other_samples_in_every_part(gpt, clips, monkeypatch, tmp_path):
    monkeypatch.setattr(samples, "PART", 4)
    codes = []
    for seed in (0, 1):
        evaluation = Evaluation(PROTOCOL, batch_size=2, seed=seed)
        with BatchResults(tmp_path / str(seed), {}) as results:
            order = np.arange(3)  # the same conditions
            measured = samples.Samples(clips, order, 12, evaluation.batch_size, seed, {})
            measured.measure(gpt, results)
            codes.append(results.array(samples.NAME, "codes").reshape(12, -1))
    together = np.concatenate(codes)
    assert len(np.unique(together, axis=0)) == 24


def test_other_clips_or_another_precision_are_another_evaluation(evaluation, gpt, clips, videos):
    settings = evaluation.settings(gpt, clips, MEAN_FRAME)
    assert settings == evaluation.settings(gpt, clips, MEAN_FRAME)
    changed = np.array([clips[i]["video"] for i in range(19)])
    changed[7, 0, 0, 0, 0] ^= 1
    for labels in (np.arange(19) % 3, np.arange(19)[::-1] % 3):
        other = Clips(ArrayVideos(changed, labels=labels), 4, 16, start="first")
        hashed = evaluation.settings(gpt, other, MEAN_FRAME)["clips_hash"]
        assert hashed != settings["clips_hash"]
    darker = evaluation.settings(gpt, clips, MEAN_FRAME - 9)["clips_hash"]
    assert darker != settings["clips_hash"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controls": {"top_k": 99}}, "top_k must be in .1, 32."),
        ({"controls": {"guidance": 3}}, "guidance must be 1"),
        ({"controls": {"temperature": 0}}, "temperature must be above 0"),
        ({"controls": {"topk": 5}}, "controls must be among .*; got .'topk'."),
        ({"protocol": "videogpt"}, "videogpt needs 256 held-out clips; there are 19"),
        ({"protocol": PROTOCOL.with_counts(4, num_frames=9)}, "the model has 4"),
        ({"clips": 0}, "clips must be a positive integer"),
        ({"seed": -1}, "seed must be a non-negative integer"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    gpt, clips, network, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        evaluation = Evaluation(**{"protocol": PROTOCOL, "network": network} | options)
        evaluation.run(gpt, clips, MEAN_FRAME, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_models_and_frames_of_another_kind_are_named(evaluation, gpt, clips, tmp_path):
    with pytest.raises(ValueError, match="mean_frame must have the shape of a frame"):
        evaluation.run(gpt, clips, MEAN_FRAME[:8], tmp_path / "work")
    with pytest.raises(ValueError, match="model must be a VQVAE or a VideoGPT"):
        evaluation.run("gpt.keras", clips, MEAN_FRAME, tmp_path / "work")
    with pytest.raises(ValueError, match="controls must be left out"):
        evaluation.run(gpt.tokenizer, clips, MEAN_FRAME, tmp_path / "work")


def test_a_prior_whose_likelihoods_are_not_finite_is_refused(clips, network, tmp_path):
    broken = small_gpt(small_vqvae(data_variance=0.1), num_classes=3)
    broken.norm.set_weights([np.full_like(weight, np.nan) for weight in broken.norm.get_weights()])
    with pytest.raises(ValueError, match="bits per code are not finite"):
        Evaluation(PROTOCOL, cache=False).run(broken, clips, MEAN_FRAME, tmp_path / "work")


def test_a_killed_evaluation_goes_on_to_the_figures_of_an_unbroken_one(
    measured, evaluation, gpt, clips, tmp_path, monkeypatch
):
    found, _ = measured
    folder, original = tmp_path / "killed", held_out.BatchResults.save
    for kill_after in (2, 3, 6):  # among held-out clips, then among samples

        def save(self, name, start, arrays, left=[kill_after]):  # noqa: B006  counts down
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            original(self, name, start, arrays)

        with monkeypatch.context() as patch:
            patch.setattr(held_out.BatchResults, "save", save)
            with pytest.raises(KeyboardInterrupt):
                evaluation.run(gpt, clips, MEAN_FRAME, folder, "colours", "held out")
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    assert sum("samples" in name for name in before) == 1 and len(before) == 8
    again = evaluation.run(gpt, clips, MEAN_FRAME, folder, "colours", "held out")
    for name, time in before.items():
        assert (folder / name).stat().st_mtime_ns == time
    speed = ("seconds per sampled video", "sampled codes per second")
    without = [{k: v for k, v in one.items() if k not in speed} for one in (found, again)]
    assert json.dumps(without[0]) == json.dumps(without[1])


def test_a_tokenizer_alone_is_measured_without_samples(network, gpt, clips, tmp_path):
    evaluation = Evaluation(PROTOCOL, network, batch_size=3, cache=False)
    found = evaluation.run(gpt.tokenizer, clips, MEAN_FRAME, tmp_path / "work")
    assert not list((tmp_path / "work").glob("samples-*"))
    assert list(found["distances"]) == [f"{evaluation.network.distance} of reconstructions"]
    assert "bits per code of the prior" not in found
    with Image.open(tmp_path / "work" / "clips.png") as picture:
        assert picture.size == (4 * 18 - 2, 6 * (14 + 34))


def test_only_as_many_clips_as_wanted_are_read(network, gpt, clips, tmp_path):
    evaluation = Evaluation(PROTOCOL, network, clips=5, batch_size=2, cache=False)
    found = evaluation.run(gpt.tokenizer, clips, MEAN_FRAME, tmp_path / "work")
    assert found["held-out clips"] == 5
    assert sorted(path.name for path in (tmp_path / "work").glob("*.npz")) == [
        f"{held_out.NAME}-000000{start}.npz" for start in (0, 2, 4)
    ]
    assert samples.NAME != held_out.NAME
