"""Keras models as files of the formats that Keras itself writes from TensorFlow graphs."""

import warnings
from pathlib import Path

import keras


def write_model_file(
    model: keras.Model, path: Path, format: str, batch_size: int | None = None
) -> None:
    """Writes a functional model that takes and gives dictionaries.

    A file for the backend tensorflow alone.

    Args:
        model: the model; its inputs and outputs keep their names.
        path: of the suffix that goes with the format.
        format: `"onnx"`, `"litert"` or `"openvino"`.
        batch_size: `None` for any.
    """
    signature = {
        name: keras.InputSpec(shape=input_shape(tensor, batch_size), dtype=tensor.dtype, name=name)
        for name, tensor in model.input.items()
    }
    options = {}
    if format == "litert":
        import tensorflow as tf

        # None of TensorFlow's own operations, which the runtime does not have.
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what Keras does for tf2onnx
        model.export(
            str(path), format=format, input_signature=[signature], verbose=False, **options
        )


def input_shape(tensor: keras.KerasTensor, batch_size: int | None) -> tuple[int | None, ...]:
    """The shape of an input, its batch of a certain size; scalars have none."""
    return tensor.shape and (batch_size, *tensor.shape[1:])
