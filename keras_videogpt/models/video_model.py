import keras

from keras_videogpt.models.batches import fit_arguments


class VideoModel(keras.Model):
    """What both models share: a look at the data before training, and how a file is read back."""

    def check_data(self, x) -> None:
        """Checks the first batch of what `fit` was given; raises `ValueError` if it is wrong."""
        raise NotImplementedError

    def refuse_targets(self, y, sample_weight) -> None:
        """Raises `ValueError` where batches are tuples: targets are made from the inputs."""
        if y is not None or sample_weight is not None:
            raise ValueError(
                "Batches must be dictionaries (video, codes, label, actions) or bare tensors, "
                "without targets or sample weights; got a tuple with them."
            )

    def fit(self, x=None, *args, **kwargs):
        """Trains the model, after a look at the first batch; arguments as `keras.Model.fit`."""
        self.check_data(x)
        x, kwargs = fit_arguments(x, kwargs)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """Losses and metrics on a dataset; arguments as `keras.Model.evaluate`."""
        in_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not in_fit:
            self.check_data(x)
            x, _ = fit_arguments(x, {})
        return super().evaluate(x, *args, **kwargs)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        trainable = config.pop("trainable", True)
        model = cls(**config)
        # As an argument, True would thaw the frozen tokenizer inside a prior.
        if not trainable:
            model.trainable = False
        return model
