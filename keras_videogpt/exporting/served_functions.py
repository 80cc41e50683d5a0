"""What a SavedModel computes, as TensorFlow graphs that check their inputs.

A file for TensorFlow alone.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_videogpt.exporting.sampling_graph import sample_codes
from keras_videogpt.models.conditions import Conditions
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.typing import Tensor


def tokenizer_functions(tokenizer: VQVAE) -> dict:
    """`encode`, `decode` and `reconstruct`, for any number of clips.

    Args:
        tokenizer: a `VQVAE`.

    Returns:
        Functions by name.
    """
    video = tf.TensorSpec((None, *tokenizer.video_shape), tf.uint8, "video")
    codes = tf.TensorSpec((None, *tokenizer.codes_shape), tf.int32, "codes")

    def encode(video):
        return {"codes": tokenizer.encode(video)}

    def decode(codes):
        return {"video": tokenizer.decode(checked_below(codes, tokenizer.num_codes, "codes"))}

    def reconstruct(video):
        return {"video": tokenizer.decode(tokenizer.encode(video))}

    return {
        "encode": graph(encode, [video]),
        "decode": graph(decode, [codes]),
        "reconstruct": graph(reconstruct, [video]),
    }


def sampling_functions(model: VideoGPT, decoder: VideoGPT, **controls: Any) -> dict:
    """`sample`, and `sample_unconditional` where a prior may go without its conditions.

    Args:
        model: the prior.
        decoder: the model to decode with, see `decoding_model`.
        **controls: of `sample_codes`.

    Returns:
        Functions by name.
    """
    inputs = [
        tf.TensorSpec((), tf.int32, "n"),
        tf.TensorSpec((), tf.int64, "seed"),
        tf.TensorSpec((), tf.float32, "temperature"),
    ]
    specs = condition_specs(model.conditions)

    def sample(n, seed, temperature, *values):
        given = dict(zip([spec.name for spec in specs], values, strict=True))
        return clips(n, seed, temperature, given, **controls)

    def sample_unconditional(n, seed, temperature):
        return clips(n, seed, temperature, {}, **{**controls, "guidance": 1.0})

    def clips(n, seed, temperature, conditions, **controls):
        n, seed, temperature = checked_controls(n, seed, temperature)
        conditions = checked_conditions(conditions, model.conditions, n)
        codes = sample_codes(decoder, model, n, seed, temperature, conditions, **controls)
        return {"video": to_uint8(model.tokenizer.decode(codes)), "codes": codes}

    functions = {"sample": graph(sample, [*inputs, *specs])}
    if model.conditions.droppable:
        functions["sample_unconditional"] = graph(sample_unconditional, inputs)
    return functions


def condition_specs(conditions: Conditions) -> list[tf.TensorSpec]:
    """What `sample` takes of a prior's conditions, by the arguments of `keras_videogpt.sample`."""
    return [
        tf.TensorSpec((None, *shape), "uint8" if name == "frames" else dtype, name)
        for name, (shape, dtype) in conditions.specs().items()
    ]


def graph(
    function: Callable, inputs: list[tf.TensorSpec]
) -> tf.types.experimental.PolymorphicFunction:
    """A function of tensors as a graph, for inputs of these names, shapes and dtypes."""
    return tf.function(function, input_signature=inputs, autograph=False)


def to_uint8(video: Tensor) -> Tensor:
    """As `layers.to_uint8`, in a graph."""
    return tf.cast(tf.clip_by_value(tf.round((video + 0.5) * 255.0), 0, 255), tf.uint8)


def checked_below(array: Tensor, limit: int, name: str) -> Tensor:
    """Integers in a graph that refuses those outside of [0, limit - 1]."""
    inside = tf.reduce_all((array >= 0) & (array < limit))
    return _checked(array, inside, f"{name} must lie in [0, {limit - 1}].")


def checked_controls(n: Tensor, seed: Tensor, temperature: Tensor) -> tuple:
    """What decides a sample, in a graph that refuses what is out of range."""
    finite = tf.math.is_finite(temperature) & (temperature >= 0)
    return (
        _checked(n, n >= 1, "n must be at least 1."),
        _checked(seed, seed >= 0, "seed must be 0 or more."),
        _checked(temperature, finite, "temperature must be 0 or more, and finite."),
    )


def checked_conditions(given: dict, conditions: Conditions, n: Tensor) -> dict:
    """Conditions of `n` clips, in a graph that refuses what is out of range."""
    checked = {}
    for name, value in given.items():
        value = _checked(value, tf.shape(value)[0] == n, f"{name} must be of n clips.")
        if name == "labels" and conditions.num_classes:
            value = checked_below(value, conditions.num_classes, name)
        elif name == "actions" and conditions.num_actions:
            value = checked_below(value, conditions.num_actions, name)
        elif value.dtype.is_floating:
            finite = tf.reduce_all(tf.math.is_finite(value))
            value = _checked(value, finite, f"{name} must be finite.")
        checked[name] = value
    return checked


def _checked(value, condition, message):
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(value)
