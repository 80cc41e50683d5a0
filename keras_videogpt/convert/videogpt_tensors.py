"""The original's prior: its settings, and where its tensors go in ours."""

from collections.abc import Callable, Iterator

from keras_videogpt.convert.tensor_map import Copy, convolution, dense
from keras_videogpt.convert.vqvae_tensors import vqvae_copies
from keras_videogpt.models.frame_encoder import BLOCKS_PER_GROUP
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.presets.original import ORIGINAL_VIDEOGPT, original_cross_value_dim


def videogpt_from_arguments(arguments: dict, tokenizer: VQVAE) -> VideoGPT:
    """Our model, with the settings of the original's training arguments.

    Args:
        arguments: `layers`, `heads`, `hidden_dim`, `dropout`, `attn_type`, `n_cond_frames` and
            `class_cond_dim`.
        tokenizer: the tokenizer, whatever its weights.

    Returns:
        A new `VideoGPT`.
    """
    return VideoGPT(
        tokenizer,
        num_layers=arguments["layers"],
        num_heads=arguments["heads"],
        hidden_dim=arguments["hidden_dim"],
        dropout=arguments["dropout"],
        attention=arguments["attn_type"],
        frame_cond=arguments["n_cond_frames"],
        num_classes=arguments["class_cond_dim"],
        cross_value_dim=original_cross_value_dim(arguments["heads"]),
        **ORIGINAL_VIDEOGPT,
    )


def videogpt_copies(
    num_layers: int,
    frame_cond: bool,
    class_cond: bool,
    num_convolutions: int,
    num_residual_layers: int,
) -> list[Copy]:
    """Where every tensor of the original's prior goes, its tokenizer's too.

    Args:
        num_layers: transformer blocks.
        frame_cond, class_cond: whether the prior is conditioned on frames, on classes.
        num_convolutions, num_residual_layers: of the tokenizer; see `vqvae_copies`.

    Returns:
        One `Copy` per variable.
    """
    copies = vqvae_copies(
        num_convolutions, num_residual_layers, "vqvae.", lambda model: model.tokenizer
    )
    copies += dense("fc_in", lambda model: model.embed, use_bias=False)
    copies += [Copy(("attn_stack.right_shift.sos",), lambda model: model.start.vector)]
    copies += _positions("attn_stack.pos_embd", lambda model: model.positions)
    for i in range(num_layers):
        copies += _block(
            f"attn_stack.attn_nets.{i}", lambda model, i=i: model.blocks[i], frame_cond, class_cond
        )
    copies += _norm("norm", lambda model: model.norm, class_cond)
    copies += dense("fc_out", lambda model: model.unembed, use_bias=False)
    if frame_cond:
        copies += _resnet()
        copies += _positions(
            "cond_pos_embd", lambda model: model.condition_encoder.get_layer("frame_positions")
        )
    return copies


def _positions(name: str, layer: Callable) -> Iterator[Copy]:
    def table(axis: int) -> Callable:
        return lambda model: layer(model).tables[axis]

    for axis in range(3):
        yield Copy((f"{name}.emb.d_{axis}",), table(axis))


def _norm(name: str, layer: Callable, conditional: bool) -> Iterator[Copy]:
    if conditional:
        yield Copy((f"{name}.w.weight",), lambda model: layer(model).gain_kernel, (1, 0))
        yield Copy((f"{name}.wb.weight",), lambda model: layer(model).bias_kernel, (1, 0))
    else:
        yield Copy((f"{name}.g",), lambda model: layer(model).gain)
        yield Copy((f"{name}.b",), lambda model: layer(model).bias)


def _block(name: str, block: Callable, frame_cond: bool, class_cond: bool) -> Iterator[Copy]:
    def layer(ours: str) -> Callable:
        return lambda model: getattr(block(model), ours)

    yield from _norm(f"{name}.pre_attn_norm", layer("attention_norm"), class_cond)
    attention = f"{name}.attn"
    yield from dense(
        (f"{attention}.w_qs", f"{attention}.w_ks", f"{attention}.w_vs"),
        lambda model: block(model).attention.query_key_value,
        use_bias=False,
    )
    yield from dense(f"{attention}.fc", lambda model: block(model).attention.output_projection)
    if frame_cond:
        attention = f"{name}.enc_attn"
        cross = layer("cross_attention")
        yield from _norm(f"{name}.pre_enc_norm", layer("cross_norm"), class_cond)
        yield from dense(f"{attention}.w_qs", lambda model: cross(model).query, use_bias=False)
        yield from dense(f"{attention}.w_ks", lambda model: cross(model).key, use_bias=False)
        yield from dense(f"{attention}.w_vs", lambda model: cross(model).value, use_bias=False)
        yield from dense(f"{attention}.fc", lambda model: cross(model).output_projection)
    yield from _norm(f"{name}.pre_fc_norm", layer("feed_forward_norm"), class_cond)
    yield from dense(f"{name}.fc_block.0", layer("expand"))
    yield from dense(f"{name}.fc_block.2", layer("contract"))


def _resnet() -> Iterator[Copy]:
    def layer(ours: str) -> Callable:
        return lambda model: model.condition_encoder.get_layer("frame_encoder").get_layer(ours)

    def normed_convolution(convolution_name, norm_name, ours, ours_norm):
        yield from convolution(f"resnet.{convolution_name}", layer(ours), use_bias=False)
        norm = layer(ours_norm)
        yield Copy((f"resnet.{norm_name}.norm.norm.weight",), lambda model: norm(model).gain)
        yield Copy((f"resnet.{norm_name}.norm.norm.bias",), lambda model: norm(model).bias)

    yield from normed_convolution("stem.0", "stem.1", "stem_convolution", "stem_norm")
    blocks_per_group = BLOCKS_PER_GROUP[ORIGINAL_VIDEOGPT["frame_encoder_depth"]]
    for group, num_blocks in enumerate(blocks_per_group, start=1):
        for i in range(num_blocks):
            block = f"group{group}." + ("start_block" if i == 0 else f"blocks.{i - 1}")
            ours = f"group_{group}_block_{i}"
            if i == 0:
                yield from normed_convolution(
                    f"{block}.proj_conv",
                    f"{block}.proj_bnr",
                    f"{ours}_projection",
                    f"{ours}_projection_norm",
                )
            for j in range(2):
                yield from normed_convolution(
                    f"{block}.conv{j + 1}",
                    f"{block}.bnr{j + 1}",
                    f"{ours}_convolution_{j}",
                    f"{ours}_norm_{j}",
                )
