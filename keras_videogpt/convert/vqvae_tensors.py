"""The original's VQ-VAE: its settings, and where its tensors go in ours."""

import math
from collections.abc import Callable, Iterator

from keras_videogpt.convert.tensor_map import Copy, batch_norm, convolution, dense
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.original import ORIGINAL_VQVAE

AXES = {"width": "attn_w", "height": "attn_h", "time": "attn_t"}


def vqvae_from_arguments(arguments: dict) -> VQVAE:
    """Our model, with the settings of the original's training arguments.

    Args:
        arguments: `sequence_length`, `resolution`, `downsample`, `n_codes`, `embedding_dim`,
            `n_hiddens` and `n_res_layers`.

    Returns:
        A new `VQVAE`.
    """
    return VQVAE(
        video_shape=(arguments["sequence_length"], *[arguments["resolution"]] * 2, 3),
        # The original halves each axis as often as two goes into its factor.
        downsample=tuple(2 ** int(math.log2(factor)) for factor in arguments["downsample"]),
        num_codes=arguments["n_codes"],
        code_dim=arguments["embedding_dim"],
        hidden_units=arguments["n_hiddens"],
        residual_units=arguments["n_hiddens"] // 2,
        num_residual_layers=arguments["n_res_layers"],
        **ORIGINAL_VQVAE,
    )


def vqvae_copies(
    num_convolutions: int,
    num_residual_layers: int,
    prefix: str = "",
    vqvae: Callable = lambda model: model,
) -> list[Copy]:
    """Where every tensor of the original's VQ-VAE goes.

    Args:
        num_convolutions: strided convolutions of the encoder.
        num_residual_layers: residual blocks of the encoder, and of the decoder.
        prefix: what the tensors' names begin with.
        vqvae: finds the `VQVAE` in the model that is copied to.

    Returns:
        One `Copy` per variable.
    """

    def layer(half: str, name: str) -> Callable:
        return lambda model: getattr(vqvae(model), half).get_layer(name)

    def codebook(name: str) -> Callable:
        return lambda model: getattr(vqvae(model).quantizer, name)

    copies = []
    for i in range(num_convolutions):
        copies += convolution(
            f"{prefix}encoder.convs.{i}.conv", layer("encoder", f"downsample_{i}")
        )
        last = i == num_convolutions - 1
        upsample = layer("decoder", "video" if last else f"upsample_{i}")
        copies += convolution(f"{prefix}decoder.convts.{i}.convt", upsample)
    copies += convolution(f"{prefix}encoder.conv_last.conv", layer("encoder", "convolution"))
    for half in ("encoder", "decoder"):
        stack = f"{prefix}{half}.res_stack"
        for i in range(num_residual_layers):
            copies += _residual_block(f"{stack}.{i}.block", layer(half, f"residual_{i}"))
        copies += batch_norm(f"{stack}.{num_residual_layers}", layer(half, "residual_norm"))
    for name, ours in (("pre_vq_conv", "pre_quantization"), ("post_vq_conv", "post_quantization")):
        copies += convolution(
            f"{prefix}{name}.conv", lambda model, ours=ours: vqvae(model).get_layer(ours)
        )
    for name, ours in (("embeddings", "codebook"), ("N", "counts"), ("z_avg", "sums")):
        copies.append(Copy((f"{prefix}codebook.{name}",), codebook(ours), books=True))
    return copies


def _residual_block(name: str, block: Callable) -> Iterator[Copy]:
    for i, position in enumerate((0, 3, 6)):
        yield from batch_norm(f"{name}.{position}", lambda model, i=i: block(model).norms[i])
    for i, position in enumerate((2, 5)):
        yield from convolution(
            f"{name}.{position}.conv",
            lambda model, i=i: block(model).convolutions[i],
            use_bias=False,
        )
    for axis, theirs in AXES.items():
        attention = f"{name}.8.{theirs}"
        yield from dense(
            (f"{attention}.w_qs", f"{attention}.w_ks", f"{attention}.w_vs"),
            lambda model, axis=axis: block(model).attention.projections[axis],
            use_bias=False,
        )
        yield from dense(
            f"{attention}.fc",
            lambda model, axis=axis: block(model).attention.outputs[axis],
        )
