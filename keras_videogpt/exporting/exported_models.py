"""The parts of a model that are exported, each as a Keras model with named inputs and outputs."""

import keras

from keras_videogpt.exporting.condition_model import build_condition_model
from keras_videogpt.exporting.step_model import build_step_model
from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE


def exported_models(model: VQVAE | VideoGPT) -> dict[str, keras.Model]:
    """Functional models, from a dictionary to a dictionary, that share a model's weights.

    Args:
        model: a model; what is not float32 is copied in float32, which all formats know.

    Returns:
        By name: `encoder`, from `video`, uint8 `(B, T, H, W, C)`, to `codes`, int32
        `(B, t, h, w[, G])`; `decoder`, from `codes` to `video`, float32, nominal range [-0.5, 0.5];
        of a prior `prior_step`, see `build_step_model`, and `conditions`, see
        `build_condition_model`, if it has any.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> list(exported_models(vqvae))
        ['encoder', 'decoder']
    """
    model = float32_copy(model)
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    video = keras.Input(tokenizer.video_shape, dtype="uint8", name="video")
    codes = keras.Input(tokenizer.codes_shape, dtype="int32", name="codes")
    models = {
        "encoder": keras.Model(
            {"video": video}, {"codes": tokenizer.code_encoder(normalize_pixels(video))}
        ),
        "decoder": keras.Model({"codes": codes}, {"video": tokenizer.code_decoder(codes)}),
    }
    if isinstance(model, VQVAE):
        return models
    conditions = build_condition_model(model)
    if conditions is not None:
        models["conditions"] = conditions
    return {**models, "prior_step": build_step_model(model, conditions)}


def float32_copy(model: VQVAE | VideoGPT) -> VQVAE | VideoGPT:
    """A model of float32 alone: itself, if it is one."""
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    if {model.layers_policy.name, tokenizer.layers_policy.name} == {"float32"}:
        return model
    config = {**model.get_config(), "dtype": "float32"}
    if model is not tokenizer:
        config["tokenizer"] = keras.saving.serialize_keras_object(float32_copy(tokenizer))
    copy = type(model).from_config(config)
    copy.set_weights(model.get_weights())
    return copy
