"""`keras-videogpt evaluate`: the figures of a model on held-out clips."""

import argparse
import json
import math
import time

import keras
import numpy as np
from tqdm import tqdm

from keras_videogpt.commands.arguments import DATA_HELP, add_backend, clip_maker
from keras_videogpt.commands.conditions import conditions_of, read_batch
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.data.video_writer import check_free
from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.metrics.codebook import CodesUsed
from keras_videogpt.metrics.likelihood import code_entropy
from keras_videogpt.metrics.reconstruction import psnr
from keras_videogpt.models.conditions import Conditions
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, write_file
from keras_videogpt.sampling.sample import sample
from keras_videogpt.tokens.token_folder import TokenFolder, is_token_folder


def add_parser(subparsers) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser("evaluate", help="measure a model on held-out clips")
    parser.add_argument("model", metavar="MODEL", help=".keras file of a VQVAE or a VideoGPT")
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--json", metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--stride", type=int, default=1, help="video frames per frame of a clip")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument(
        "--embeddings", metavar="FILE", help="those of the data, as train prior takes them"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measures and prints a table."""
    if args.json:
        check_free(args.json, args.overwrite)
    model = load(args.model)
    tokenizer = model if isinstance(model, VQVAE) else model.tokenizer
    if is_token_folder(args.data):
        videos = TokenFolder(args.data).description["data"]
        raise ValueError(
            f"evaluate needs videos; {args.data} holds stored tokens of {videos}, give that."
        )
    frames, height, width, _ = tokenizer.video_shape
    options = {"num_frames": frames, "size": (height, width), "stride": args.stride}
    make_clips = clip_maker(args.embeddings)
    held_out = make_clips(open_videos(args.data, "test"), **options, start="all")
    mean_frame = Clips(open_videos(args.data, "train"), **options).mean_frame()
    kept = model.conditions if isinstance(model, VideoGPT) else Conditions()
    figures, codes, conditions = tokenizer_figures(
        tokenizer, held_out, mean_frame, args.batch_size, kept
    )
    if isinstance(model, VideoGPT):
        figures |= prior_figures(model, codes, conditions, args.batch_size)
    width = max(len(name) for name in figures)
    for name, value in figures.items():
        print(
            f"{name:<{width}}  {value:,.4g}"
            if isinstance(value, float)
            else f"{name:<{width}}  {value}"
        )
    if args.json:
        text = json.dumps(figures, indent=2) + "\n"
        write_file(as_path(args.json), lambda file: file.write_text(text))
        print(f"Wrote {args.json}.")


def tokenizer_figures(
    tokenizer: VQVAE,
    clips: Clips,
    mean_frame: np.ndarray,
    batch_size: int,
    kept: Conditions,
) -> tuple[dict, np.ndarray, dict]:
    """Reconstruction quality and codebook usage on clips.

    Args:
        tokenizer: the tokenizer.
        clips: held-out clips.
        mean_frame: float `(H, W, C)` in [0, 255], the mean frame of the training videos.
        batch_size: clips at a time.
        kept: the conditions that are to be kept, those of the prior.

    Returns:
        Figures by name, the int32 codes of all clips, and their conditions, arguments of `sample`.
    """
    mean = np.rint(mean_frame).astype("uint8")
    used = CodesUsed(tokenizer.num_codes, tokenizer.num_codebooks)
    quality, baseline, codes, conditions = [], [], [], []
    for start in tqdm(range(0, len(clips), batch_size), desc="evaluating", unit="batch"):
        batch = read_batch(clips, range(start, min(start + batch_size, len(clips))))
        conditions.append(conditions_of(batch, kept))
        videos = batch["video"]
        codes.append(tokenizer.encode(videos, batch_size))
        used.update_state(codes[-1])
        quality.append(psnr(videos, to_uint8(tokenizer.decode(codes[-1], batch_size))))
        baseline.append(psnr(videos, np.broadcast_to(mean, videos.shape)))
    codes = np.concatenate(codes)
    conditions = {
        name: np.concatenate([part[name] for part in conditions]) for name in conditions[0]
    }
    figures = {
        "held-out clips": len(clips),
        "PSNR (dB)": float(np.concatenate(quality).mean()),
        "PSNR of the mean training frame (dB)": float(np.concatenate(baseline).mean()),
        "share of codes used": float(keras.ops.convert_to_numpy(used.result())),
        "log2(number of codes)": math.log2(tokenizer.num_codes),
        "entropy of the code histogram (bits)": code_entropy(
            codes, tokenizer.num_codes, tokenizer.num_codebooks
        ),
    }
    return figures, codes, conditions


def prior_figures(model: VideoGPT, codes: np.ndarray, conditions: dict, batch_size: int) -> dict:
    """Likelihood of codes, and the time to sample a clip.

    Args:
        model: the prior.
        codes: codes of held-out clips.
        conditions: their conditions, arguments of `sample`; samples take those of the first ones.
        batch_size: clips at a time.

    Returns:
        Figures by name.
    """
    bits = float(model.bits_per_dim(codes, **conditions, batch_size=batch_size).mean())
    first = {
        name: array.take(range(batch_size), axis=0, mode="wrap")
        for name, array in conditions.items()
    }
    sample(model, batch_size, **first, seed=0, batch_size=batch_size)  # compiles
    start = time.perf_counter()
    sample(model, batch_size, **first, seed=1, batch_size=batch_size)
    seconds = time.perf_counter() - start
    return {
        "bits per code of the prior": bits,
        "seconds per sampled video": seconds / batch_size,
        "sampled codes per second": batch_size * model.length / seconds,
    }
