"""What a tokenizer computes."""

import keras
import numpy as np
import pytest
from checks import assert_same_weights, random_codes, small_vqvae, weights_of
from keras import ops

from keras_videogpt import VQVAE


@pytest.fixture(scope="module")
def vqvae(videos):
    vqvae = small_vqvae()
    vqvae.fit(videos, batch_size=4, epochs=15, verbose=0)
    return vqvae


@pytest.mark.parametrize(
    "downsample", [(1, 1, 1), (2, 2, 2), (4, 2, 1), (1, 4, 4), (4, 4, 4), (1, 1, 2), (2, 1, 4)]
)
def test_every_downsampling_builds_and_gives_the_shapes_documented(downsample):
    vqvae = small_vqvae(
        video_shape=(4, 8, 8, 3), downsample=downsample, hidden_units=8, axial_attention=False
    )
    grid = tuple(size // factor for size, factor in zip((4, 8, 8), downsample, strict=True))
    outputs = vqvae.predict_on_batch(np.zeros((2, 4, 8, 8, 3), "uint8"))
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    assert shapes == {
        "reconstruction": (2, 4, 8, 8, 3),
        "codes": (2, *grid),
        "commitment": (2,),
    }
    assert vqvae.codes_shape == grid == vqvae.encoder.output_shape[1:-1]


def test_uint8_and_float_videos_give_the_same_codes(vqvae, videos):
    codes = vqvae.encode(videos)
    assert codes.dtype == np.int32 and len(np.unique(codes)) > 4
    scaled = videos.astype("float32") / 255 - 0.5
    np.testing.assert_array_equal(vqvae.encode(scaled), codes)
    np.testing.assert_array_equal(vqvae.encode(videos, batch_size=3), codes)


def test_arrays_and_tensors_give_the_same_codes_and_clips(vqvae, videos):
    codes = vqvae.encode(videos)
    tensor = vqvae.encode(ops.convert_to_tensor(videos))
    assert isinstance(codes, np.ndarray) and ops.is_tensor(tensor)
    assert np.mean(codes == ops.convert_to_numpy(tensor)) >= 0.99
    decoded = vqvae.decode(codes)
    tensor = vqvae.decode(ops.convert_to_tensor(codes))
    assert isinstance(decoded, np.ndarray) and ops.is_tensor(tensor)
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), decoded, atol=1e-5)


def test_decoded_codes_are_the_reconstruction(vqvae, videos):
    outputs = vqvae.predict(videos, batch_size=4, verbose=0)
    np.testing.assert_array_equal(vqvae.encode(videos), outputs["codes"])
    decoded = vqvae.decode(outputs["codes"])
    np.testing.assert_allclose(decoded, outputs["reconstruction"], atol=1e-5)
    assert decoded.std() > 1e-3


def test_two_codebooks_add_an_axis_to_the_codes(videos):
    vqvae = small_vqvae(num_codebooks=2, code_dim=4)
    codes = vqvae.encode(videos[:4], batch_size=4)
    assert vqvae.codes_shape == codes.shape[1:] == (2, 4, 4, 2)
    outputs = vqvae.predict(videos[:4], batch_size=4, verbose=0)
    np.testing.assert_array_equal(outputs["codes"], codes)
    np.testing.assert_allclose(vqvae.decode(codes), outputs["reconstruction"], atol=1e-5)


def test_a_copy_by_config_computes_the_same(vqvae, videos):
    copy = VQVAE.from_config(vqvae.get_config())
    assert copy.get_config() == vqvae.get_config()
    copy.set_weights(vqvae.get_weights())
    assert_same_weights(weights_of(copy), weights_of(vqvae))
    np.testing.assert_array_equal(copy.encode(videos), vqvae.encode(videos))


def test_it_trains_in_mixed_bfloat16_with_a_float32_codebook_and_pixels(videos):
    vqvae = small_vqvae(dtype="mixed_bfloat16")
    vqvae.fit(videos[:4], batch_size=2, verbose=0)
    assert {w.dtype for w in vqvae.trainable_variables} == {"float32"}
    assert {w.dtype for w in vqvae.quantizer.weights} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in weights_of(vqvae))
    assert vqvae.encoder.compute_dtype == "bfloat16" or "bfloat16" in str(
        vqvae.encoder.get_layer("convolution").compute_dtype
    )
    decoded = vqvae.decode(random_codes(vqvae))
    assert decoded.dtype == np.float32 and np.isfinite(decoded).all() and decoded.std() > 0


def test_its_name_and_frozen_state_survive_a_file(vqvae, videos, tmp_path):
    copy = VQVAE.from_config({**vqvae.get_config(), "name": "mine", "trainable": False})
    copy.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    assert loaded.name == "mine" and not loaded.trainable and loaded.trainable_variables == []
