import math
from typing import Any

import keras
from keras import ops

from keras_videogpt.layers.condition_dropout import ConditionDropout
from keras_videogpt.layers.layer_normalization import LayerNormalization
from keras_videogpt.layers.null_vector import NullVector
from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.models.conditions import Conditions
from keras_videogpt.models.frame_encoder import build_frame_encoder
from keras_videogpt.typing import Tensor


def build_condition_encoder(
    conditions: Conditions,
    dtype: str | keras.DTypePolicy | None,
    width: int = 512,
    latent_frames: int | None = None,
    dropout: float = 0.0,
    seed: int | None = None,
    **frame_options: Any,
) -> keras.Model | None:
    """The functional model from a prior's conditions to what its transformer takes of them.

    Args:
        conditions: what the prior is conditioned on.
        dtype: dtype policy of the layers.
        width: channels of the memory.
        latent_frames: number of latent frames, if each is given the actions that lead to its frames
            (see `actions_by_latent_frame`); `None` to give the actions of a clip as one vector.
        dropout: probability that a condition is dropped in training, if they are droppable.
        seed: seed of the dropout.
        **frame_options: other options of `build_frame_encoder`.

    Returns:
        A model from a dictionary, `Conditions.inputs`, to a dictionary. For cross-attention there
        is `memory`, features of frames and embeddings, each with their own positions,
        `(B, M, width)`; and, but for a prior of frames alone that are never dropped, `memory_mask`,
        bool `(B, M)`, the first position being a learned vector that is always there. For
        conditional norms there is `condition`, class and actions `(B, condition_dim)`, or
        `(B, latent_frames, condition_dim)`. `None` without conditions.

    Example:
        >>> conditions = Conditions(frames_shape=(1, 16, 16, 3), num_classes=5)
        >>> encoder = build_condition_encoder(conditions, "float32", width=32, depth=18)
        >>> encoder.output["memory"].shape, encoder.output["condition"].shape
        ((None, 16, 32), (None, 5))

    Reference: arXiv 2104.10157, section 3.
    """
    inputs = conditions.inputs()
    if not inputs:
        return None
    kept = dict.fromkeys(conditions.keys)
    if conditions.droppable:
        given = ConditionDropout(dropout, seed=seed, name="condition_dropout")(inputs["given"])
        kept = {key: given[:, i : i + 1] for i, key in enumerate(conditions.keys)}
    outputs = {}
    if "frames" in inputs or "embeddings" in inputs:
        outputs |= _memory(conditions, inputs, kept, width, dtype, frame_options)
    if "label" in inputs or "actions" in inputs:
        outputs["condition"] = _condition(conditions, inputs, kept, latent_frames)
    return keras.Model(inputs, outputs, name="condition_encoder")


def _memory(conditions, inputs, kept, width, dtype, frame_options):
    """What every code attends to: features of frames and embeddings."""
    parts, masks = [], []
    if "frames" in inputs:
        encode = build_frame_encoder(
            conditions.frames_shape, width=width, dtype=dtype, **frame_options
        )
        features = PositionEmbedding(dtype=dtype, name="frame_positions")(encode(inputs["frames"]))
        length = math.prod(features.shape[1:-1])
        parts.append(keras.layers.Reshape((length, width), dtype=dtype, name="memory")(features))
        masks.append(_there(ops.ones_like(parts[0][:, :, 0], "bool"), kept["frames"]))
    if "embeddings" in inputs:
        # Normalised, as those of text encoders have very different scales.
        x = keras.layers.Dense(width, dtype=dtype, name="embedding_projection")(
            inputs["embeddings"]
        )
        x = LayerNormalization(dtype=dtype, name="embedding_norm")(x)
        parts.append(PositionEmbedding(dtype=dtype, name="embedding_positions")(x))
        masks.append(_there(inputs["embedding_mask"], kept["embeddings"]))
    if not conditions.embedding_shape and not conditions.droppable:
        return {"memory": parts[0]}
    memory = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)
    masks.insert(0, ops.ones_like(masks[0][:, :1], "bool"))
    return {
        "memory": NullVector(dtype=dtype, name="null_vector")(memory),
        "memory_mask": ops.concatenate(masks, axis=1),
    }


def _there(mask, kept):
    return mask if kept is None else ops.logical_and(mask, kept)


def _condition(conditions, inputs, kept, latent_frames):
    """What gains and biases of norms depend on: class and actions; zeros for what is dropped."""
    vectors = []
    if "label" in inputs:
        one_hot = ops.one_hot(inputs["label"], conditions.num_classes, dtype="float32")
        if kept["label"] is not None:
            one_hot = one_hot * ops.cast(kept["label"], "float32")
        if latent_frames:
            one_hot = ops.repeat(one_hot[:, None], latent_frames, axis=1)
        vectors.append(one_hot)
    if "actions" in inputs:
        actions = inputs["actions"]
        if conditions.num_actions:
            actions = ops.one_hot(actions, conditions.num_actions, dtype="float32")
        length = conditions.action_shape[0]
        actions = ops.reshape(actions, (-1, length, math.prod(actions.shape[2:])))
        actions = (
            actions_by_latent_frame(actions, latent_frames)
            if latent_frames
            else ops.reshape(actions[:, :-1], (-1, (length - 1) * actions.shape[2]))
        )
        if kept["actions"] is not None:
            # Zeros may be actions too: a one tells them from none.
            actions = ops.concatenate([actions, ops.ones_like(actions[..., :1])], axis=-1)
            there = ops.cast(kept["actions"], "float32")
            actions = actions * (there[:, None] if latent_frames else there)
        vectors.append(actions)
    return vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=-1)


def actions_by_latent_frame(actions: Tensor, latent_frames: int) -> Tensor:
    """The actions that lead to the frames of each latent frame.

    Action t is done after frame t and leads to frame t + 1. Latent frame k stands for the d = T / t
    frames k d ... k d + d - 1, so that it is given the actions k d - 1 ... k d + d - 2: those that
    lead to its frames, and none that is done after the last of them. No action leads to the first
    frame, where zeros take its place; the last action leads out of the clip and is not used.

    Args:
        actions: float `(B, T, A)`.
        latent_frames: number of latent frames t, a divisor of T.

    Returns:
        Tensor `(B, t, T / t * A)`.

    Example:
        >>> actions = keras.ops.reshape(keras.ops.arange(1, 7), (1, 6, 1))
        >>> keras.ops.convert_to_numpy(actions_by_latent_frame(actions, 3)).tolist()
        [[[0, 1], [2, 3], [4, 5]]]
    """
    _, length, size = actions.shape
    leading = ops.pad(actions[:, :-1], ((0, 0), (1, 0), (0, 0)))
    return ops.reshape(leading, (-1, latent_frames, length // latent_frames * size))
