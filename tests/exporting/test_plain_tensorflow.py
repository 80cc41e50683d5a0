"""What is trained on any backend is exported, and called by a process that has TensorFlow alone."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae

import keras_videogpt as kvg

pytest.importorskip("tensorflow", reason="SavedModels are TensorFlow's")

# Without keras, nor this package: what a server has.
CLIENT = """
import sys
sys.modules["keras"] = sys.modules["keras_videogpt"] = None
import numpy as np
import tensorflow as tf
folder = sys.argv[1]
videos = np.load(f"{folder}/videos.npy")
served = tf.saved_model.load(f"{folder}/served")
call = served.signatures
codes = call["encode"](video=tf.constant(videos))["codes"]
out = {
    "codes": codes,
    "decoded": call["decode"](codes=codes)["video"],
    "reconstructed": call["reconstruct"](video=tf.constant(videos))["video"],
}
for name, temperature in (("greedy", 0.0), ("drawn", 0.8)):
    scalars = {"n": tf.constant(3), "seed": tf.constant(7, tf.int64)}
    sampled = call["sample"](temperature=tf.constant(temperature), **scalars)
    out |= {name: sampled["codes"], f"{name}_video": sampled["video"]}
np.savez(f"{folder}/out.npz", **{name: array.numpy() for name, array in out.items()})
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A prior trained for a few steps, some videos, and what TensorFlow alone makes of them."""
    folder = tmp_path_factory.mktemp("trained")
    videos = np.random.default_rng(0).integers(0, 256, (8, 4, 16, 16, 3), "uint8")
    videos = np.sort(videos, axis=3)  # of some regularity
    vqvae = small_vqvae(norm="layer")  # batch norms' statistics need more steps
    vqvae.fit(videos, batch_size=4, epochs=2, verbose=0)
    gpt = small_gpt(vqvae)
    gpt.compile(optimizer=keras.optimizers.Adam(1e-2))
    gpt.fit(videos, batch_size=4, epochs=5, verbose=0)
    kvg.export(gpt, folder / "served")
    np.save(folder / "videos.npy", videos[:3])
    subprocess.run([sys.executable, "-c", CLIENT, str(folder)], check=True, timeout=300)
    return gpt, videos[:3], np.load(folder / "out.npz")


def test_videos_are_encoded_and_decoded_as_in_python(trained):
    gpt, videos, served = trained
    codes = gpt.tokenizer.encode(videos)
    np.testing.assert_array_equal(served["codes"], codes)
    assert len(np.unique(codes)) > 4
    decoded = gpt.tokenizer.decode(codes)
    np.testing.assert_allclose(served["decoded"], decoded, atol=1e-4)
    np.testing.assert_allclose(served["reconstructed"], decoded, atol=1e-4)


@pytest.mark.parametrize(
    "name, controls", [("greedy", {"top_k": 1}), ("drawn", {"temperature": 0.8})]
)
def test_clips_are_those_of_python_code_for_code(trained, name, controls):
    gpt, _, served = trained
    clips, codes = kvg.sample(gpt, 3, seed=7, return_codes=True, progress=False, **controls)
    np.testing.assert_array_equal(served[name], codes)
    assert np.abs(served[f"{name}_video"].astype(int) - clips).max() <= 1
    assert (served["greedy"] != served["drawn"]).any()
