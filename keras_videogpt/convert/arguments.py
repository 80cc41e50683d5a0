"""The training arguments in an original checkpoint, checked: the file is not trusted."""

import math
import re
from statistics import mode
from typing import Any

LARGEST = 2**16
LARGEST_HALVINGS = 8


def integer(arguments: dict, name: str, lowest: int = 1, highest: int = LARGEST) -> int:
    """An integer argument in `[lowest, highest]`; `ValueError` if it is missing or not."""
    value = _present(arguments, name)
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(
            f"its training argument {name} must be an integer in [{lowest}, {highest}]; "
            f"got {value!r}."
        )
    return value


def choice(arguments: dict, name: str, accepted: tuple) -> Any:
    """An argument that is one of the `accepted` values; `ValueError` if it is missing or not."""
    value = _present(arguments, name)
    if not isinstance(value, type(accepted[0])) or value not in accepted:
        raise ValueError(f"its training argument {name} must be one of {accepted}; got {value!r}.")
    return value


def fraction(arguments: dict, name: str) -> float:
    """A number in [0, 1); `ValueError` if it is missing or not."""
    value = _present(arguments, name)
    if type(value) not in (int, float) or not 0 <= value < 1:
        raise ValueError(f"its training argument {name} must lie in [0, 1); got {value!r}.")
    return float(value)


def _present(arguments, name):
    if name not in arguments:
        raise ValueError(
            f"its hyper_parameters lack the training argument {name}; they have "
            f"{', '.join(sorted(arguments)) or 'none'}."
        )
    return arguments[name]


def vqvae_arguments(arguments: dict) -> dict:
    """The arguments that a VQ-VAE is built from, checked."""
    downsample = _present(arguments, "downsample")
    if type(downsample) not in (list, tuple) or len(downsample) != 3:
        raise ValueError(
            f"its training argument downsample must be three factors; got {downsample!r}."
        )
    names = [f"downsample[{axis}]" for axis in range(3)]
    factors = dict(zip(names, downsample, strict=True))
    names = ("sequence_length", "resolution", "n_codes", "embedding_dim", "n_hiddens")
    return {
        **{name: integer(arguments, name) for name in names},
        "n_res_layers": integer(arguments, "n_res_layers", highest=1000),
        "downsample": tuple(
            integer(factors, name, highest=2**LARGEST_HALVINGS) for name in factors
        ),
    }


def number_of_convolutions(downsample: tuple[int, ...]) -> int:
    """Strided convolutions of the original's encoder: it rounds factors down to powers of two."""
    return max(int(math.log2(factor)) for factor in downsample)


def tokenizer_arguments(arguments: dict, tensors: dict) -> dict:
    """The arguments of the VQ-VAE inside a prior's checkpoint, which has only its tensors.

    Args:
        arguments: the prior's `sequence_length` and `resolution`, those of its tokenizer too.
        tensors: the prior's tensors by name.

    Returns:
        As `vqvae_arguments` gives.

    Raises:
        ValueError: sizes of latents and of videos don't fit together.
    """

    def sizes(axis, *names):
        # What most tensors say; those that say otherwise are misshapen.
        shapes = [tensors[name].shape for name in names]
        return mode([shape[axis] if len(shape) > axis else 1 for shape in shapes])

    book = ("vqvae.codebook.embeddings", "vqvae.codebook.z_avg")
    latent = [sizes(0, f"attn_stack.pos_embd.emb.d_{axis}") for axis in range(3)]
    video = [integer(arguments, "sequence_length"), *[integer(arguments, "resolution")] * 2]
    if any(size < 1 or total % size for size, total in zip(latent, video, strict=True)):
        raise ValueError(
            f"its position embeddings are for codes of shape {tuple(latent)}, which can't be of "
            f"clips of {tuple(video)} (sequence_length, resolution, resolution)."
        )
    downsample = tuple(total // size for size, total in zip(latent, video, strict=True))
    return vqvae_arguments(
        {
            "sequence_length": video[0],
            "resolution": video[1],
            "downsample": downsample,
            "n_codes": sizes(0, *book, "vqvae.codebook.N", "fc_out.weight"),
            "embedding_dim": sizes(1, *book, "fc_in.weight"),
            "n_hiddens": sizes(
                0,
                "vqvae.encoder.conv_last.conv.weight",
                "vqvae.encoder.conv_last.conv.bias",
                "vqvae.post_vq_conv.conv.weight",
            ),
            "n_res_layers": residual_layers(tensors, "vqvae."),
        }
    )


def residual_layers(tensors: dict, prefix: str) -> int:
    """Residual blocks of the encoder, counted by the names of tensors."""
    return _count(tensors, rf"{prefix}encoder\.res_stack\.(\d+)\.block\.")


def convolutions(tensors: dict, prefix: str) -> int:
    """Strided convolutions of the encoder, counted by the names of tensors."""
    return _count(tensors, rf"{prefix}encoder\.convs\.(\d+)\.")


def _count(tensors, pattern):
    found = (re.match(pattern, name) for name in tensors)
    return len({match[1] for match in found if match})
