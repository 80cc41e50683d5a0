import math

import keras
from keras import ops

from keras_videogpt.layers.position_embedding import PositionEmbedding
from keras_videogpt.models.conditions import Conditions
from keras_videogpt.models.frame_encoder import build_frame_encoder


def build_condition_encoder(conditions: Conditions, dtype, **frame_options) -> keras.Model | None:
    """The functional model from a prior's conditions to what its transformer takes of them.

    Args:
        conditions: what the prior is conditioned on.
        dtype: dtype policy of the layers.
        **frame_options: options of `build_frame_encoder`.

    Returns:
        A model from a dictionary (`frames`, `label`) to a dictionary: `memory`, features of the
        frames with their positions `(B, F * H/4 * W/4, width)`, for cross-attention; `condition`,
        the one-hot class `(B, num_classes)`, for conditional norms. `None` without conditions.

    Example:
        >>> conditions = Conditions(frames_shape=(1, 16, 16, 3), num_classes=5)
        >>> encoder = build_condition_encoder(conditions, "float32", width=32, depth=18)
        >>> encoder.output["memory"].shape, encoder.output["condition"].shape
        ((None, 16, 32), (None, 5))

    Reference: arXiv 2104.10157, section 3.
    """
    inputs = conditions.inputs()
    outputs = {}
    if "frames" in inputs:
        encode = build_frame_encoder(conditions.frames_shape, dtype=dtype, **frame_options)
        features = PositionEmbedding(dtype=dtype, name="frame_positions")(encode(inputs["frames"]))
        *grid, width = features.shape[1:]
        outputs["memory"] = keras.layers.Reshape(
            (math.prod(grid), width), dtype=dtype, name="memory"
        )(features)
    if "label" in inputs:
        outputs["condition"] = ops.one_hot(inputs["label"], conditions.num_classes, dtype="float32")
    return keras.Model(inputs, outputs, name="condition_encoder") if inputs else None
