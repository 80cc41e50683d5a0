import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_videogpt.metrics.weights_hash import weights_hash
from keras_videogpt.models.batches import as_numpy, in_batches
from keras_videogpt.models.checks import check_positive


class FeatureNetwork:
    """A network and its preprocessing: videos are compared by its features.

    Args:
        model: maps what `preprocess` returns to features `(B, D)`.
        preprocess: maps uint8 `(B, T, H, W, 3)` to the input of `model`.
        name: what the features are, such as `"I3D Kinetics-400 logits"`.
        distance: what the Fréchet distance between features is called. `"FVD"` is that of I3D.
        min_frames: fewest frames of a video.
        settings: what decides the features besides the name and the weights, such as the
            preprocessing and its version; JSON-able. `None` if that is not told: features are then
            not kept for the next time.

    Attributes:
        is_described: whether `settings` were told.

    Raises:
        ValueError: the model has not one output `(B, D)`.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((None, 8, 8, 3)), keras.layers.GlobalAveragePooling3D()]
        ... )
        >>> network = FeatureNetwork(model, lambda videos: videos / 255, name="mean colour")
        >>> network.features(np.full((2, 4, 8, 8, 3), 51, "uint8"))[0].round(2)
        array([0.2, 0.2, 0.2], dtype=float32)
    """

    def __init__(
        self,
        model: keras.Model,
        preprocess: Callable,
        name: str,
        distance: str = "Fréchet distance",
        min_frames: int = 1,
        settings: dict | None = None,
    ):
        check_positive(min_frames=min_frames)
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(shape[1], int):
            raise ValueError(f"model must have one output, features (B, D); got shape {shape}.")
        self.model = model
        self.preprocess = preprocess
        self.name = name
        self.distance = distance
        self.min_frames = min_frames
        self.settings = dict(settings or {})
        self.is_described = settings is not None

    @property
    def num_features(self) -> int:
        """Length D of a feature vector."""
        return self.model.output_shape[-1]

    @functools.cached_property
    def weights_hash(self) -> str:
        """16 hex digits that tell the weights apart, equal on every backend."""
        return weights_hash(self.model)

    def identity(self) -> dict:
        """What decides the features: the name, the weights and the settings; JSON-able.

        It is all that does only where `is_described`: the settings were told.
        """
        return {"name": self.name, "weights_hash": self.weights_hash, **self.settings}

    def features(self, videos: np.ndarray, batch_size: int = 8) -> np.ndarray:
        """Features of videos.

        Args:
            videos: uint8 `(B, T, H, W, 3)`.
            batch_size: videos at a time.

        Returns:
            float32 `(B, D)`.

        Raises:
            ValueError: `videos` is something else, has fewer frames than the network takes, or
                gives features that are not finite.
        """
        videos = self._checked(videos)
        features = in_batches(
            lambda batch: self._batch_features(batch, batch_size), videos, batch_size
        )
        if not np.isfinite(features).all():
            raise ValueError(f"{self.name}: features are not finite; its weights must be damaged.")
        return features.astype("float32", copy=False)

    def _batch_features(self, batch, batch_size):
        # JAX would compile the network anew for the last, smaller batch.
        if keras.backend.backend() == "jax":
            batch = np.resize(batch, (batch_size, *batch.shape[1:]))
        return self.model.predict_on_batch(self.preprocess(batch))

    def _checked(self, videos):
        videos = as_numpy(videos)
        if videos.dtype != "uint8" or videos.ndim != 5 or videos.shape[-1] != 3 or not videos.size:
            raise ValueError(
                f"videos must be uint8 (B, T, H, W, 3), not empty; got {videos.dtype} of shape "
                f"{videos.shape}."
            )
        if videos.shape[1] < self.min_frames:
            raise ValueError(
                f"{self.name}: videos must have at least {self.min_frames} frames; got "
                f"{videos.shape[1]}."
            )
        return videos


def check_feature_network(name: str, network: Any) -> None:
    """Raises `ValueError` unless an argument of this name is a `FeatureNetwork`."""
    if not isinstance(network, FeatureNetwork):
        raise ValueError(f"{name} must be a FeatureNetwork, such as I3D(); got {network!r}.")
