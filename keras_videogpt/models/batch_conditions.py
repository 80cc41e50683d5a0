"""The conditions that the clips of a data set bring."""

import numpy as np

from keras_videogpt.models.conditions import Conditions


def conditions_of(batch: dict[str, np.ndarray], conditions: Conditions) -> dict[str, np.ndarray]:
    """The conditions of the clips of a batch.

    Args:
        batch: `video`, and what else the data has.
        conditions: of the prior.

    Returns:
        Arguments of `sample`, as far as the prior takes them.

    Raises:
        ValueError: the data doesn't have what the prior is conditioned on.
    """
    needs = {
        "label": "it needs a folder per class, or labels in the HDF5 file",
        "actions": "it needs an .actions.npy file beside every video, or actions in the HDF5 file",
        "embeddings": "give them with --embeddings",
    }
    found = {}
    for (name, what), key in zip(conditions.taken.items(), conditions.keys, strict=True):
        if key == "frames" and conditions.frames_shape:
            found[name] = batch["video"][:, : conditions.frames_shape[0]]
        elif key in batch:
            found[name] = batch[key]
        else:
            raise ValueError(
                f"The prior is conditioned on {what}, and the data has none: {needs[key]}."
            )
    if "embeddings" in found and "embedding_mask" in batch:
        found["embedding_mask"] = batch["embedding_mask"]
    return found
