"""What a prior's steps need of the conditions of clips, as a Keras model."""

from typing import Any

import keras
from keras import ops

from keras_videogpt.exporting.step_model import norms_in_order
from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.models.conditions import KEYS
from keras_videogpt.models.videogpt import VideoGPT


def build_condition_model(model: VideoGPT) -> keras.Model | None:
    """The functional model from conditions to what every step takes of them.

    Args:
        model: a `VideoGPT` of float32.

    Returns:
        A model from a dictionary to a dictionary; `None` for a prior without conditions. It takes
        the conditions by their arguments of `sample`, `frames` as uint8; and of a prior that may go
        without some, `given`, bool `(B, conditions)`, which of them are there, in the order of the
        inputs. For conditional norms it gives `gains_and_biases`,
        `(B, 2 * norms[, latent frames], hidden_dim)`; for cross-attention `memory_keys` and
        `memory_values`, `(B, num_layers * num_heads, M, channels)`, and where not all of a memory
        is always there `memory_mask`, bool `(B, M)`.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32, num_classes=3)
        >>> build_condition_model(gpt).output["gains_and_biases"].shape
        (None, 10, 32)
    """
    conditions = model.conditions
    if not conditions.taken:
        return None
    specs = dict(conditions.specs())
    if "frames" in specs:
        specs["frames"] = (specs["frames"][0], "uint8")
    if conditions.droppable:
        specs["given"] = ((len(conditions.keys),), "bool")
    inputs = {
        name: keras.Input(shape, dtype=dtype, name=name) for name, (shape, dtype) in specs.items()
    }
    batch = {KEYS.get(name, name): tensor for name, tensor in inputs.items()}
    if "frames" in batch:
        batch["frames"] = normalize_pixels(batch["frames"])
    condition_encoder: Any = model.condition_encoder
    encoded = condition_encoder(batch)
    outputs = StepConditions(model, name="step_conditions")(encoded)
    return keras.Model(inputs, outputs, name="conditions")


class StepConditions(keras.layers.Layer):
    """Gains and biases of all norms, and keys and values of all attention to a memory.

    Args:
        model: the `VideoGPT` whose layers it shares.

    Call arguments:
        encoded: what the prior's condition encoder gives.

    Returns:
        What the model of `build_condition_model` gives.
    """

    def __init__(self, model: VideoGPT, **kwargs: Any):
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.norms = norms_in_order(model.blocks, model.norm)
        self.attentions = [block.cross_attention for block in model.blocks]

    def call(self, encoded):
        outputs = {}
        if "condition" in encoded:
            pairs = [norm.gain_and_bias(encoded["condition"]) for norm in self.norms]
            arrays = [array for pair in pairs for array in pair]
            outputs["gains_and_biases"] = ops.stack(arrays, axis=1)
        if "memory" in encoded:
            pairs = [attention.keys_values(encoded["memory"]) for attention in self.attentions]
            keys, values = zip(*pairs, strict=True)
            outputs["memory_keys"] = ops.concatenate(keys, axis=1)
            outputs["memory_values"] = ops.concatenate(values, axis=1)
        if "memory_mask" in encoded:
            outputs["memory_mask"] = encoded["memory_mask"]
        return outputs
