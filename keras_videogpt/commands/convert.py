"""`keras-videogpt convert`: checkpoints of the original PyTorch code as models of ours."""

import argparse
from pathlib import Path
from typing import Any

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.commands.conditions import first_of
from keras_videogpt.convert import from_pytorch
from keras_videogpt.data.video_writer import check_free
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, write_file


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("convert", help="convert the original code's checkpoints")
    parser.add_argument("checkpoint", metavar="IN.ckpt", help="of a VQ-VAE or a VideoGPT")
    parser.add_argument("out", metavar="OUT.keras", help="the model file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Converts, says what was found, and how to go on."""
    out = as_path(args.out)
    if out.suffix != ".keras":
        raise ValueError(f"OUT must end in .keras; got {args.out}.")
    check_free(out, args.overwrite)
    model = from_pytorch(args.checkpoint)
    write_file(out, model.save)
    print(f"Found {description(model)}.")
    print(f"Wrote {out}; go on with: {next_command(model, out)}")


def description(model: VQVAE | VideoGPT) -> str:
    """A model's kind, shapes and sizes, in words."""
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    parts = [
        f"a {type(model).__name__} of clips {tokenizer.video_shape}",
        f"as codes {tokenizer.codes_shape} out of {tokenizer.num_codes}",
    ]
    if isinstance(model, VQVAE):
        parts.append(f"residual layers: {model.num_residual_layers}")
        parts.append("axial attention" if model.axial_attention else "no attention")
    else:
        conditions = [f"the {first_of(model.frame_cond)}"] if model.frame_cond else []
        conditions += [f"{model.num_classes} classes"] if model.num_classes else []
        parts.append(f"layers: {model.num_layers} of {model.hidden_dim} channels")
        parts.append(f"{model.attention} attention")
        parts.append(f"conditioned on {' and '.join(conditions) or 'nothing'}")
    return "; ".join([*parts, f"{model.count_params():,} parameters"])


def next_command(model: VQVAE | VideoGPT, path: Path) -> str:
    """A command that uses a converted model."""
    if isinstance(model, VQVAE):
        return f"keras-videogpt reconstruct {path} VIDEO --out reconstruction.gif"
    frames = " --frames VIDEO" if model.frame_cond else ""
    label = " --label 0" if model.num_classes else ""
    return f"keras-videogpt sample {path} --out clips.gif{frames}{label}"
