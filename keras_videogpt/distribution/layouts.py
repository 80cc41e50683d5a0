"""How the weights of a prior are divided among devices."""

import keras

AXES = ("batch", "model")
# Projections to heads and hidden units by columns, those back by rows.
COLUMNS = (
    r"(block_\d+/(attention/query_key_value|cross_attention/(query|key|value)|expand)|unembed)"
)
ROWS = r"block_\d+/((cross_)?attention/output|contract)"


def prior_layout(devices: list[str]) -> keras.distribution.LayoutMap:
    """Divides the matrices of a prior's blocks among devices, and the projection to codes.

    Everything else, such as norms, positions and the tokenizer, is on every device.

    Args:
        devices: names of devices, of a number that divides the prior's `hidden_dim`, the hidden
            units of its blocks and the number of codes.

    Returns:
        What `keras.distribution.ModelParallel` takes as `layout_map`.

    Reference: arXiv 1909.08053, section 3.
    """
    mesh = keras.distribution.DeviceMesh((1, len(devices)), AXES, devices)
    layout = keras.distribution.LayoutMap(mesh)
    layout[f"{COLUMNS}/kernel"] = (None, "model")
    layout[f"{COLUMNS}/bias"] = ("model",)
    layout[f"{ROWS}/kernel"] = ("model", None)
    return layout
