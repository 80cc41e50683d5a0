import hashlib
import json

import numpy as np

from keras_videogpt.models.vqvae import VQVAE

# What decides, with the weights, which codes a clip has. A setting that comes later joins the hash
# only where it is not at its default, so that tokens stored before it stay valid.
SETTINGS = (
    "video_shape",
    "downsample",
    "num_codes",
    "code_dim",
    "num_codebooks",
    "hidden_units",
    "residual_units",
    "num_residual_layers",
    "axial_attention",
    "axial_positions",
    "num_heads",
    "extra_padding",
    "norm",
)


def fingerprint(tokenizer: VQVAE) -> str:
    """A hash of a tokenizer's weights and of the settings that decide its codes.

    It is the same on every backend, after saving and loading, and for the frozen copy inside a
    prior; one changed weight changes it.

    Args:
        tokenizer: the tokenizer.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> vqvae.save("vqvae.keras")
        >>> fingerprint(keras.saving.load_model("vqvae.keras")) == fingerprint(vqvae)
        True
    """
    settings = {name: getattr(tokenizer, name) for name in SETTINGS}
    settings["precision"] = tokenizer.layers_policy.name
    digest = hashlib.sha256(json.dumps(settings, default=int).encode())
    for weight in tokenizer.get_weights():
        digest.update(f"{weight.dtype.name}{list(weight.shape)}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:16]
