import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

import keras
from keras import ops

from keras_videogpt.distribution.global_batch import (
    copy_from_first,
    global_mean,
    is_multi_worker,
    num_replicas,
)
from keras_videogpt.models.batches import check_lengths, first_batches, fit_arguments
from keras_videogpt.models.model_file import load_checked_weights
from keras_videogpt.presets.preset_folder import write_preset
from keras_videogpt.typing import Tensor


class VideoModel(keras.Model):
    """What both models share: a look at the data before training, and how a file is read back."""

    def check_batch(self, batch: Any) -> None:
        """Raises `ValueError` unless a batch, or arrays of any length, can be trained on."""
        raise NotImplementedError

    def check_data(self, x: Any) -> None:
        """Checks what `fit` was given: arrays, or the first batch of a dataset."""
        is_array = isinstance(x, dict) or hasattr(x, "shape")
        if is_array:
            check_lengths(x)
        for batch in [x] if is_array else first_batches(x, 1):
            self.check_batch(batch)

    def _checked(self, x):
        """What `fit` was given, checked; the first batch of a generator is put back."""
        if isinstance(x, Iterator):
            first = list(islice(x, 1))
            for batch in first:
                self.check_batch(batch[0] if isinstance(batch, tuple) else batch)
            x = chain(first, x)
        self.check_data(x)
        return x

    def refuse_targets(self, y: Any, sample_weight: Any) -> None:
        """Raises `ValueError` where batches are tuples: targets are made from the inputs."""
        if y is not None or sample_weight is not None:
            raise ValueError(
                "Batches must be dictionaries (video, codes, label, actions) or bare tensors, "
                "without targets or sample weights; got a tuple with them."
            )

    def share_of_batch(self, loss: Tensor) -> Tensor:
        """A replica's mean loss, as the backend wants it.

        TensorFlow adds up the gradients of replicas, and shows the loss times their number; where
        PyTorch has several processes, the optimizer takes the mean of their gradients.
        """
        return loss / num_replicas() if keras.backend.backend() == "tensorflow" else loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """Metrics after a step; of several workers of TensorFlow with the axis Keras reduces."""
        results = super().compute_metrics(x, y, y_pred, sample_weight)
        if is_multi_worker():
            return {name: ops.expand_dims(value, 0) for name, value in results.items()}
        return results

    def get_metrics_result(self) -> dict:
        """Metrics of the global batch; each of PyTorch's processes has seen its own part of it."""
        results = super().get_metrics_result()
        if keras.backend.backend() != "torch" or num_replicas() == 1:
            return results
        means = global_mean(ops.stack(list(results.values())))
        return dict(zip(results, means, strict=True))

    def _check_replicas(self) -> None:
        """Raises `ValueError` for what several replicas of TensorFlow or PyTorch can't train."""
        strategy = getattr(self, "distribute_strategy", None)  # on TensorFlow
        if (strategy.num_replicas_in_sync if strategy else num_replicas()) == 1:
            return
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "mixed_float16 on several devices needs the backend jax: each replica would scale "
                "its own loss. Use mixed_bfloat16."
            )
        if self.steps_per_execution > 1:
            raise ValueError("steps_per_execution must be 1 on several devices of TensorFlow.")
        layers = [layer for layer in self._flatten_layers() if layer.trainable]
        batch_norm = any(isinstance(one, keras.layers.BatchNormalization) for one in layers)
        if batch_norm and keras.backend.backend() == "torch":
            raise ValueError(
                "norm='batch' takes the statistics of one process on the backend torch. Train "
                "with norm='layer' or norm='group' on several."
            )

    def fit(self, x=None, *args, **kwargs):
        """Trains the model, after a look at the first batch; arguments as `keras.Model.fit`."""
        x = self._checked(x)
        validation = kwargs.get("validation_data")
        if validation is not None and not isinstance(validation, Iterator | tuple):
            self.check_data(validation)
        x, kwargs = fit_arguments(x, kwargs)
        self._check_replicas()
        copy_from_first(self.variables)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """Losses and metrics on a dataset; arguments as `keras.Model.evaluate`."""
        in_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not in_fit:
            x, _ = fit_arguments(self._checked(x), {})
        return super().evaluate(x, *args, **kwargs)

    def compile(self, optimizer="rmsprop", *args, **kwargs):
        """As `keras.Model.compile`, with the loss scaled where the layers are `mixed_float16`.

        Keras asks a model's own policy, and a functional model has none but the global one.
        """
        optimizer = keras.optimizers.get(optimizer)
        scale = kwargs.pop("auto_scale_loss", True) and self.layers_policy.name == "mixed_float16"
        if scale and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        super().compile(optimizer, *args, auto_scale_loss=False, **kwargs)

    def compile_from_config(self, config):
        """Compiles a loaded model, and makes its optimizer's variables, to be loaded, too.

        How steps are compiled is up to the machine: what JAX saves would be an error on PyTorch.
        """
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config | {"jit_compile": "auto", "steps_per_execution": 1})
        self.optimizer.build(self.trainable_variables)

    def predict_on_batch(self, x):
        """As Keras's, but of a batch once: each replica of TensorFlow predicts the whole of it."""
        size = len(keras.tree.flatten(x)[0])
        return keras.tree.map_structure(lambda y: y[:size], super().predict_on_batch(x))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras on TensorFlow would take a batch under a strategy, and average pixels over workers;
        # a functional model is built already.
        super()._maybe_symbolic_build(data_batch={})

    def load_weights(self, filepath, skip_mismatch: bool = False, **kwargs) -> None:
        """Loads weights, all or none of them; the file is not trusted.

        Args:
            filepath: a `.weights.h5` file that `save_weights` wrote, or a `.keras` file; of a model
                of the same architecture on any backend, local or remote. An optimizer's state is
                none of the weights, and loaded into one that has made steps only.
            skip_mismatch: whether weights of other shapes, missing or left over, are passed over
                with a warning instead.
            **kwargs: as of `keras.Model.load_weights`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged or not to be trusted, or its model is another one; the
                message names what differs.

        Example:
            >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
            >>> vqvae.save_weights("vqvae.weights.h5")
            >>> vqvae.load_weights("vqvae.weights.h5")
        """
        compare = not (skip_mismatch or kwargs.get("objects_to_skip"))
        load_checked_weights(self, filepath, compare=compare, skip_mismatch=skip_mismatch, **kwargs)

    def export(self, filepath, format: str = "tf_saved_model", **kwargs) -> list[Path]:
        """Writes the model for other programs; see `keras_videogpt.export`.

        Args:
            filepath: a new or empty folder.
            format, **kwargs: of `keras_videogpt.export`.

        Returns:
            Paths of the files that were written.

        Raises:
            ValueError, FileExistsError, ImportError: as `keras_videogpt.export`.

        Example:
            >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
            >>> written = vqvae.export("exported")  # doctest: +SKIP
        """
        from keras_videogpt.exporting.export import export

        return export(self, filepath, format, **kwargs)

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        trained_on: str,
        description: str = "",
        recipe: str = "",
        figures: dict | None = None,
    ) -> Path:
        """Writes the model as a preset: a folder that `from_preset` and `kvg.load` read.

        It holds `config.json`, `model.weights.h5` (without the optimizer, a prior's with those of
        its tokenizer) and `metadata.json`, which has what is said here, versions, and the sha256 of
        the other two. Put on the Hugging Face Hub or on Kaggle as it is, it is loaded from there.

        Args:
            folder: the folder to write, which must not be there yet.
            trained_on: what the model was trained on.
            description: what it is, in a line.
            recipe: how it is made again: commands, or where they are.
            figures: what was measured, by name; numbers and text.

        Returns:
            The folder.

        Raises:
            FileExistsError: there is such a folder or file.

        Example:
            >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
            >>> folder = vqvae.save_to_preset("my_preset", trained_on="nothing")
            >>> VQVAE.from_preset(folder).num_codes
            32
        """
        return write_preset(self, folder, trained_on, description, recipe, figures or {})

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool = True, **overrides: Any
    ) -> Self:
        """The model of a preset.

        Args:
            preset: name of one that comes with the package (`keras_videogpt.presets.available`), a
                folder that `save_to_preset` wrote, local or remote, or the address of one on a hub:
                `hf://user/repository[@revision]` or
                `kaggle://user/model/framework/variation[/version]`. A folder that is there goes
                before a name. `VQVAE.from_preset` of a prior's preset is its tokenizer.
            load_weights: whether with its trained weights. Names of data sets (`"bair"`) and of
                settings (`"paper"`) have none, and need `load_weights=False`.
            **overrides: arguments of the class in the place of the preset's, such as `dropout`, or
                `dtype`; the tokenizer inside a prior keeps its own.

        Returns:
            The model, not compiled.

        Raises:
            FileNotFoundError: there is no such preset.
            ImportError: the hub's client is missing; the message is the command that installs it.
            ValueError: the preset has no trained weights, or is of the other class; a file of it is
                damaged or not to be trusted; an override is unknown, or doesn't fit the weights.

        Example:
            >>> gpt = VideoGPT.from_preset("vizdoom_small", dropout=0.1)
            >>> gpt.num_layers, gpt.dropout
            (4, 0.1)
            >>> VideoGPT.from_preset("moving_mnist")
            Traceback (most recent call last):
            ValueError: moving_mnist has settings and no trained weights. ...
        """
        # Which builds both classes, and is built upon this one.
        from keras_videogpt.presets.load_preset import load_preset

        model: Any = load_preset(preset, load_weights, cls, **overrides)
        return model

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        trainable = config.pop("trainable", True)
        model = cls(**config)
        # As an argument, True would thaw the frozen tokenizer inside a prior.
        if not trainable:
            model.trainable = False
        return model
