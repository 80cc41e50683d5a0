from collections.abc import Iterator
from itertools import chain, islice

import keras
from keras import ops

from keras_videogpt.distribution.global_batch import (
    copy_from_first,
    global_mean,
    is_multi_worker,
    num_replicas,
)
from keras_videogpt.models.batches import check_lengths, first_batches, fit_arguments


class VideoModel(keras.Model):
    """What both models share: a look at the data before training, and how a file is read back."""

    def check_batch(self, batch) -> None:
        """Raises `ValueError` unless a batch, or arrays of any length, can be trained on."""
        raise NotImplementedError

    def check_data(self, x) -> None:
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

    def refuse_targets(self, y, sample_weight) -> None:
        """Raises `ValueError` where batches are tuples: targets are made from the inputs."""
        if y is not None or sample_weight is not None:
            raise ValueError(
                "Batches must be dictionaries (video, codes, label, actions) or bare tensors, "
                "without targets or sample weights; got a tuple with them."
            )

    def share_of_batch(self, loss):
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

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        trainable = config.pop("trainable", True)
        model = cls(**config)
        # As an argument, True would thaw the frozen tokenizer inside a prior.
        if not trainable:
            model.trainable = False
        return model
