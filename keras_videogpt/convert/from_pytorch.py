import os
import re

from keras_videogpt.convert.arguments import (
    choice,
    convolutions,
    fraction,
    integer,
    number_of_convolutions,
    residual_layers,
    tokenizer_arguments,
    vqvae_arguments,
)
from keras_videogpt.convert.checkpoint_file import read_lightning
from keras_videogpt.convert.tensor_map import check_names, copy_tensors
from keras_videogpt.convert.videogpt_tensors import videogpt_copies, videogpt_from_arguments
from keras_videogpt.convert.vqvae_tensors import vqvae_copies, vqvae_from_arguments
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE

# Not weights: the causal mask of every layer, and how often a batch norm was updated.
NOT_WEIGHTS = re.compile(r".*\.(attn\.mask|num_batches_tracked)")


def from_pytorch(path: str | os.PathLike) -> VQVAE | VideoGPT:
    """Reads a checkpoint of the original PyTorch code as the model of ours that computes the same.

    The kind of model is told from the file. A prior's file holds its tokenizer; no second one is
    needed. Neither PyTorch nor PyTorch Lightning is: the file is not trusted, and nothing in it is
    executed.

    Args:
        path: a `.ckpt` file that the original's `train_vqvae.py` or `train_videogpt.py` wrote.

    Returns:
        A `VQVAE` or a `VideoGPT`, not compiled, in the dtype policy of the process.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, hostile, no such checkpoint, or of a version of the code
            that is not supported; the message says which, and names the tensors in question.

    Example:
        model = kvg.convert.from_pytorch("bair_gpt.ckpt")
        clips = kvg.sample(model, n=8, frames=first_frames)
        model.save("bair_gpt.keras")

    Source: github.com/wilson1yan/VideoGPT.
    """
    tensors, arguments = read_lightning(path)
    tensors = {name: tensor for name, tensor in tensors.items() if not NOT_WEIGHTS.fullmatch(name)}
    try:
        if any(name.startswith("attn_stack.") for name in tensors):
            return _videogpt(tensors, arguments)
        if any(name.startswith(("codebook.", "pre_vq_conv.")) for name in tensors):
            return _vqvae(tensors, arguments)
        raise ValueError(
            "it holds neither a VQVAE nor a VideoGPT of the original code: none of its "
            f"{len(tensors)} tensors is called codebook.* or attn_stack.*."
        )
    except ValueError as error:
        raise ValueError(f"{path} can't be converted: {error}") from error


def _vqvae(tensors, arguments):
    arguments = vqvae_arguments(arguments)
    copies = vqvae_copies(
        number_of_convolutions(arguments["downsample"]), arguments["n_res_layers"]
    )
    check_names(copies, tensors)
    model = vqvae_from_arguments(arguments)
    copy_tensors(copies, model, tensors)
    model.quantizer.initialized.assign(1.0)
    return model


def _videogpt(tensors, arguments):
    _refuse_old_versions(tensors)
    classes = arguments.get("class_cond_dim")
    arguments = {
        **arguments,
        "layers": integer(arguments, "layers", highest=1000),
        "heads": integer(arguments, "heads"),
        "hidden_dim": integer(arguments, "hidden_dim"),
        "dropout": fraction(arguments, "dropout"),
        "attn_type": choice(arguments, "attn_type", ("full", "sparse")),
        "n_cond_frames": integer(arguments, "n_cond_frames", lowest=0),
        "class_cond_dim": None if classes is None else integer(arguments, "class_cond_dim"),
    }
    copies = videogpt_copies(
        arguments["layers"],
        frame_cond=arguments["n_cond_frames"] > 0,
        class_cond=classes is not None,
        num_convolutions=convolutions(tensors, "vqvae."),
        num_residual_layers=residual_layers(tensors, "vqvae."),
    )
    check_names(copies, tensors)
    tokenizer = vqvae_from_arguments(tokenizer_arguments(arguments, tensors))
    model = videogpt_from_arguments(arguments, tokenizer)
    copy_tensors(copies, model, tensors)
    model.tokenizer.quantizer.initialized.assign(1.0)
    return model


def _refuse_old_versions(tensors):
    if any(name.startswith("resnet.") and name.endswith(".running_mean") for name in tensors):
        raise ValueError(
            "its ResNet over frames has batch norms: it was trained before the original's commit "
            "c6655e8 (2021-06-02), which brought layer norms, and is not supported."
        )
    start = "attn_stack.right_shift."
    if not any(name.startswith(start) for name in tensors):
        raise ValueError(
            f"it has no start-of-sequence vector ({start}sos): it was trained before the "
            "original's commit 426009a (2021-06-23), when zeros stood in its place, and is not "
            "supported."
        )
