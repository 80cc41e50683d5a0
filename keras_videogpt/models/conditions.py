from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_videogpt.layers.pixels import normalize_pixels
from keras_videogpt.models.batches import as_numpy
from keras_videogpt.models.checks import check_video
from keras_videogpt.models.condition_checks import (
    check_actions,
    check_embeddings,
    check_labels,
    check_mask,
)
from keras_videogpt.typing import Tensor

# Arguments of `sample` and `logits` whose key in a batch is another.
KEYS = {"labels": "label"}


@dataclass(frozen=True)
class Conditions:
    """What a prior is conditioned on, and how it is found in what a user gives.

    Args:
        frames_shape: `(F, H, W, C)` of the first frames, or `None`.
        num_classes: number of classes, or `None`.
        action_shape: `(T, A)` of the actions, or `(T,)` of discrete ones; or `None`.
        num_actions: number of discrete actions; `None` where they are continuous.
        embedding_shape: `(L, D)` of a sequence of embeddings, or `None`.
        droppable: whether the prior knows clips without some of its conditions, or any.
        class_names: names of the classes 0, 1, ..., if they have names.
    """

    frames_shape: tuple[int, ...] | None = None
    num_classes: int | None = None
    action_shape: tuple[int, ...] | None = None
    num_actions: int | None = None
    embedding_shape: tuple[int, int] | None = None
    droppable: bool = False
    class_names: tuple[str, ...] = ()

    @property
    def taken(self) -> dict[str, str]:
        """What each condition is, by the argument of `sample` and `logits` that takes it."""
        taken = {}
        if self.frames_shape:
            taken["frames"] = f"the first frames, {self.frames_shape} of each clip"
        if self.num_classes:
            taken["labels"] = f"{self.num_classes} classes"
        if self.action_shape:
            kind = f"{self.num_actions} discrete" if self.num_actions else "continuous"
            taken["actions"] = f"{kind} actions, {self.action_shape} of each clip"
        if self.embedding_shape:
            taken["embeddings"] = f"embeddings, {self.embedding_shape} of each clip"
        return taken

    @property
    def keys(self) -> tuple[str, ...]:
        """Their keys in a batch."""
        return tuple(KEYS.get(name, name) for name in self.taken)

    def inputs(self) -> dict:
        """Symbolic inputs of a functional model, by the key they have in a batch."""
        specs = {KEYS.get(name, name): spec for name, spec in self.specs().items()}
        if self.droppable:
            specs["given"] = ((len(self.keys),), "bool")
        return {
            key: keras.Input(shape, dtype=dtype, name=key) for key, (shape, dtype) in specs.items()
        }

    def specs(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape, of one clip, and dtype of each condition, by the argument of `sample`."""
        specs = {name: self._spec(KEYS.get(name, name)) for name in self.taken}
        if self.embedding_shape:
            specs["embedding_mask"] = ((self.embedding_shape[0],), "bool")
        return specs

    def _spec(self, key):
        """Shape, of one clip, and dtype of a condition as the model takes it."""
        return {
            "frames": (self.frames_shape, "float32"),
            "label": ((), "int32"),
            "actions": (self.action_shape, "int32" if self.num_actions else "float32"),
            "embeddings": (self.embedding_shape, "float32"),
        }[key]

    def of_batch(self, batch: dict) -> dict:
        """The conditions in a batch as `fit` yields it; first frames are cut from its video.

        Args:
            batch: arrays or tensors by key. `embedding_mask` may be left out, and `given`, bool
                `(B, conditions)`, which of the conditions are to be seen.

        Returns:
            What the functional model takes, by key.

        Raises:
            ValueError: a condition is missing, or has another shape, dtype or range.
        """
        conditions = {key: self._checked(key, self._found(key, batch)) for key in self.keys}
        if self.embedding_shape:
            mask = batch.get("embedding_mask")
            if mask is None:
                mask = ops.ones(ops.shape(conditions["embeddings"])[:2], "bool")
            self._check("embedding_mask", mask, "embedding_mask")
            conditions["embedding_mask"] = ops.cast(mask, "bool")
        if self.droppable:
            given = batch.get("given")
            if given is None:
                count = ops.shape(conditions[self.keys[0]])[0]
                given = ops.ones((count, len(self.keys)), "bool")
            conditions["given"] = ops.cast(given, "bool")
        return conditions

    def _found(self, key, batch):
        if key in batch:
            return batch[key]
        if key != "frames":
            name = next(name for name in self.taken if KEYS.get(name, name) == key)
            raise ValueError(
                f"The prior is conditioned on {self.taken[name]}: a batch must have the key "
                f"{key!r}; it has {sorted(batch)}."
            )
        number = self.frames_shape[0]
        if "video" in batch:
            return batch["video"][:, :number]
        raise ValueError(
            f"The prior is conditioned on the first {number} frames: a batch of codes must also "
            f"have the key 'frames', or 'video'; it has {sorted(batch)}."
        )

    def _checked(self, key, value):
        """A condition as the model takes it, if it can."""
        self._check(key, value, key)
        return normalize_pixels(value) if key == "frames" else ops.cast(value, self._spec(key)[1])

    def _check(self, key, value, name):
        if key == "frames":
            check_video(value, self.frames_shape, name)
        if key == "label":
            check_labels(value, self.num_classes, name)
        if key == "actions":
            check_actions(value, self.action_shape, self.num_actions, name)
        if key == "embeddings":
            check_embeddings(value, self.embedding_shape, name)
        if key == "embedding_mask":
            check_mask(value, self.embedding_shape[0], name)

    def check(self, batch: dict) -> None:
        """Raises `ValueError` unless the conditions of a batch are there and in range."""
        for key in self.keys:
            self._check(key, as_numpy(self._found(key, batch)), key)
        if self.embedding_shape and batch.get("embedding_mask") is not None:
            self._check("embedding_mask", as_numpy(batch["embedding_mask"]), "embedding_mask")

    def given(self, count: Tensor, embedding_mask: Tensor | None = None, **arguments: Any) -> dict:
        """The conditions of `count` clips, from the arguments of `sample` or `logits`.

        Args:
            count: number of clips; a scalar tensor where a compiled function doesn't know it.
            embedding_mask: bool `(count, L)`, `True` for embeddings that are there; `None` for all.
            **arguments: `frames`, `labels`, `actions` and `embeddings`, as `sample` takes them;
                `None` for those that are not given. Labels may be names.

        Returns:
            Tensors of length `count`, by the key they have in a batch.

        Raises:
            ValueError: one is missing, is not taken, or has another shape, dtype or range.
        """
        if embedding_mask is not None and arguments.get("embeddings") is None:
            raise ValueError("embedding_mask needs embeddings; got None.")
        conditions = {}
        for name, value in arguments.items():
            if value is not None and name not in self.taken:
                taken = [f"{name} ({what})" for name, what in self.taken.items()]
                raise ValueError(
                    f"{name} were given, but the prior is not conditioned on them; "
                    f"it takes {', '.join(taken) or 'no conditions'}."
                )
            if value is not None:
                conditions[KEYS.get(name, name)] = self._of_clips(count, name, value)
        if embedding_mask is not None:
            mask = self._of_clips(count, "embedding_mask", embedding_mask)
            conditions["embedding_mask"] = mask
        if self.droppable:
            given = np.array([[key in conditions for key in self.keys]])
            conditions["given"] = ops.broadcast_to(given, (count, len(self.keys)))
        for name, what in self.taken.items():
            key = KEYS.get(name, name)
            if key in conditions:
                continue
            if not self.droppable:
                raise ValueError(f"{name} must be given: the prior is conditioned on {what}.")
            shape, dtype = self._spec(key)
            conditions[key] = ops.zeros((count, *shape), dtype)
        # All of them tensors: Keras refuses a mixture.
        return keras.tree.map_structure(ops.convert_to_tensor, self.of_batch(conditions))

    def given_arrays(
        self, count: int, embedding_mask: Tensor | None = None, **arguments: Any
    ) -> dict[str, np.ndarray]:
        """As `given`, in NumPy arrays, so that values of tensors of any backend are checked too."""
        arguments["embedding_mask"] = embedding_mask
        arrays = {k: None if v is None else as_numpy(v) for k, v in arguments.items()}
        return {key: as_numpy(value) for key, value in self.given(count, **arrays).items()}

    def _of_clips(self, count, name, value):
        """An argument as an array or tensor, if it is what `count` clips need."""
        value = value if ops.is_tensor(value) else np.asarray(value)
        if isinstance(value, np.ndarray) and value.dtype.kind == "U":
            value = self._numbers_of_names(name, value)
        self._check(KEYS.get(name, name), value, name)
        if isinstance(count, int) and value.shape[0] not in (None, count):
            raise ValueError(f"{name} must be of {count} clips; got {value.shape[0]}.")
        return value

    def _numbers_of_names(self, name, names):
        if name != "labels" or not self.class_names:
            raise ValueError(f"{name} must be numbers; got text such as {str(names.flat[0])!r}.")
        unknown = sorted(set(names.flat) - set(self.class_names))
        if unknown:
            raise ValueError(
                f"labels must be integers, or of the names {', '.join(self.class_names)}; got "
                f"{str(unknown[0])!r}."
            )
        return np.array([self.class_names.index(one) for one in names.flat]).reshape(names.shape)
