from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.models.batches import as_numpy
from keras_videogpt.models.checks import check_labels, check_video


@dataclass(frozen=True)
class Conditions:
    """What a prior is conditioned on, and how it is found in what a user gives.

    Args:
        frames_shape: `(F, H, W, C)` of the first frames, or `None`.
        num_classes: number of classes, or `None`.
    """

    frames_shape: tuple[int, int, int, int] | None = None
    num_classes: int | None = None

    def inputs(self) -> dict:
        """Symbolic inputs of a functional model, by the key they have in a batch."""
        inputs = {}
        if self.frames_shape:
            inputs["frames"] = keras.Input(self.frames_shape, name="frames")
        if self.num_classes:
            inputs["label"] = keras.Input((), dtype="int32", name="label")
        return inputs

    def of_batch(self, batch: dict) -> dict:
        """The conditions in a batch as `fit` yields it; first frames are cut from its video."""
        conditions = {}
        if self.frames_shape:
            conditions["frames"] = self._first_frames(batch)
            check_video(conditions["frames"], self.frames_shape, "frames")
            conditions["frames"] = normalize_pixels(conditions["frames"])
        if self.num_classes:
            if "label" not in batch:
                raise ValueError(
                    f"The prior is conditioned on {self.num_classes} classes: a batch must have "
                    f"the key 'label'; it has {sorted(batch)}."
                )
            check_labels(batch["label"], self.num_classes, "label")
            conditions["label"] = ops.cast(batch["label"], "int32")
        return conditions

    def _first_frames(self, batch):
        number = self.frames_shape[0]
        if "frames" in batch:
            return batch["frames"]
        if "video" in batch:
            return batch["video"][:, :number]
        raise ValueError(
            f"The prior is conditioned on the first {number} frames: a batch of codes must also "
            f"have the key 'frames', or 'video'; it has {sorted(batch)}."
        )

    def check(self, batch: dict) -> None:
        """Raises `ValueError` unless the conditions of a batch are there and in range."""
        self.of_batch({name: as_numpy(array) for name, array in batch.items()})

    def given(self, count: int | None, frames=None, labels=None, actions=None) -> dict:
        """The conditions of `count` clips, from the arguments of `sample` or `logits`.

        Args:
            count: number of clips; `None` where a compiled function doesn't know it.
            frames: uint8, or float in [-0.5, 0.5], `(count, F, H, W, C)`.
            labels: integers `(count,)`.
            actions: `None`; no prior takes them yet.

        Returns:
            Tensors of length `count`, by the key they have in a batch.

        Raises:
            ValueError: one is missing, is not taken, or has another shape, dtype or range.
        """
        taken = {"frames": self.frames_shape, "labels": self.num_classes, "actions": None}
        arguments = {"frames": frames, "labels": labels, "actions": actions}
        conditions = {}
        for name, value in arguments.items():
            if value is None and taken[name]:
                raise ValueError(f"{name} must be given: {self._explained(name)}.")
            if value is not None and not taken[name]:
                raise ValueError(f"{name} were given, but the prior is not conditioned on them.")
            if value is not None:
                value = value if ops.is_tensor(value) else np.asarray(value)
                size = value.shape[0] if value.shape else 0
                if None not in (count, size) and size != count:
                    raise ValueError(f"{name} must be of {count} clips; got {size}.")
                conditions["label" if name == "labels" else name] = value
        # All of them tensors: Keras refuses a mixture.
        return keras.tree.map_structure(ops.convert_to_tensor, self.of_batch(conditions))

    def _explained(self, name):
        if name == "labels":
            return f"the prior is conditioned on {self.num_classes} classes"
        return f"the prior is conditioned on the first frames, {self.frames_shape} of each clip"
