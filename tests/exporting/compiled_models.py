"""What is exported, run in Python: models from a dictionary to a dictionary of NumPy arrays."""

import keras
import numpy as np
from checks import random_codes, randomize, small_gpt, small_vqvae
from keras import ops

from keras_videogpt import VideoGPT
from keras_videogpt.exporting.step_model import cache_shape


def compiled(model: keras.Model):
    """A functional model as a function of NumPy arrays, compiled where the backend does it."""
    call = model
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda inputs: model(inputs, training=False))
    if keras.backend.backend() == "jax":
        import jax

        call = jax.jit(lambda inputs: model(inputs, training=False))

    def run(**inputs):
        outputs = call({name: ops.convert_to_tensor(array) for name, array in inputs.items()})
        return {name: ops.convert_to_numpy(array) for name, array in outputs.items()}

    return run


def random_prior(num_codebooks: int = 1, **options) -> VideoGPT:
    """A small prior with random weights."""
    tokenizer = small_vqvae(num_codebooks=num_codebooks, code_dim=8 // num_codebooks)
    randomize(tokenizer)
    gpt = small_gpt(tokenizer, **options)
    randomize(gpt, seed=1)
    return gpt


def random_conditions(gpt: VideoGPT, count: int) -> dict[str, np.ndarray]:
    """Conditions of some clips, by their arguments of `sample`; frames in uint8."""
    rng, taken, drawn = np.random.default_rng(2), gpt.conditions, {}
    for name, (shape, dtype) in taken.specs().items():
        shape = (count, *shape)
        if name == "frames":
            drawn[name] = rng.integers(0, 256, shape).astype("uint8")
        elif name == "embedding_mask":
            drawn[name] = np.arange(shape[1])[None] <= np.arange(count)[:, None]
        elif dtype == "int32":
            limit = taken.num_classes if name == "labels" else taken.num_actions
            drawn[name] = rng.integers(0, limit, shape).astype("int32")
        else:
            drawn[name] = rng.normal(size=shape).astype("float32")
    return drawn


def encoded_conditions(gpt: VideoGPT, encode, conditions: dict) -> dict[str, np.ndarray]:
    """What `encode`, an exported condition model, gives for conditions that are all there."""
    if encode is None:
        return {}
    inputs = dict(conditions)
    if gpt.conditions.droppable:
        count = len(next(iter(conditions.values())))
        inputs["given"] = np.ones((count, len(gpt.conditions.keys)), "bool")
    return encode(**inputs)


def stepped_logits(gpt: VideoGPT, step, codes: np.ndarray, encoded: dict) -> np.ndarray:
    """Logits of all codes, by one call of an exported step for each: `(B, L, num_codes)`."""
    flat, logits = codes.reshape(len(codes), -1), []
    cache = np.zeros((len(codes), *cache_shape(gpt)), "float32")
    previous = np.full(len(codes), 7, "int32")
    for position in range(gpt.length):
        place = np.array(position, "int32")
        outputs = step(previous=previous, position=place, cache=cache, **encoded)
        logits.append(outputs["logits"])
        cache, previous = outputs["next_cache"], flat[:, position]
    return np.stack(logits, axis=1)


def greedy_codes(gpt: VideoGPT, step, count: int, encoded: dict) -> np.ndarray:
    """The likeliest code each time, as a program that has the exported step would draw them."""
    cache = np.zeros((count, *cache_shape(gpt)), "float32")
    codes = [np.zeros(count, "int32")]
    for position in range(gpt.length):
        place = np.array(position, "int32")
        outputs = step(previous=codes[-1], position=place, cache=cache, **encoded)
        cache = outputs["next_cache"]
        codes.append(outputs["logits"].argmax(axis=-1).astype("int32"))
    return np.stack(codes[1:], axis=1).reshape(count, *gpt.codes_shape)


__all__ = [
    "compiled",
    "encoded_conditions",
    "greedy_codes",
    "random_codes",
    "random_conditions",
    "random_prior",
    "stepped_logits",
]
