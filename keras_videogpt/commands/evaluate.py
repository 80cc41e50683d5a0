"""`keras-videogpt evaluate`: the figures of a model on held-out clips."""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from keras_videogpt.commands.arguments import DATA_HELP, add_backend, clip_maker
from keras_videogpt.commands.evaluation_networks import (
    add_networks,
    classifier,
    network,
    perceptual,
)
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import open_videos, resolve_source
from keras_videogpt.data.video_writer import check_free
from keras_videogpt.evaluation.evaluation import Evaluation, check_clips, tokenizer_of
from keras_videogpt.evaluation.report import report
from keras_videogpt.metrics.frechet_of_features import with_trials
from keras_videogpt.metrics.protocol import PROTOCOLS, Protocol, get_protocol
from keras_videogpt.metrics.published_results import beside, published
from keras_videogpt.models.load import load
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import as_path, is_remote, local_path, write_file
from keras_videogpt.tokens.token_folder import TokenFolder, is_token_folder

LEAST_BY_DEFAULT, MOST_BY_DEFAULT = 4, 256
# Our names of what the paper has by others.
PUBLISHED_AS = {
    "bits/dim": "bits per code of the prior",
    "IS": "Inception Score of samples, C3D UCF-101 logits",
}
CONTROLS = {"temperature": 1.0, "top_k": None, "top_p": None, "guidance": 1.0}


def add_parser(subparsers: Any) -> None:
    """Adds the command to `keras-videogpt`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model on held-out clips",
        description="Measures a model on held-out clips: a tokenizer by PSNR, SSIM, NMSE, LPIPS, "
        "R-FVD and the codes it uses; a prior also by bits per code, FVD, FVD* and the Inception "
        "Score. Killed at any moment, the same command goes on where it was.",
    )
    parser.add_argument("model", metavar="MODEL", help="a VQVAE or a VideoGPT: .keras file, or run")
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="where the evaluation is kept as it goes on, and figures.json and clips.png at its "
        "end (default: a folder for these settings, in RUN/evaluation or FILE-evaluation)",
    )
    parser.add_argument(
        "--protocol",
        choices=tuple(PROTOCOLS),
        help="of the Fréchet distances (default: videogpt, with as many clips as there are)",
    )
    parser.add_argument(
        "--count", type=int, metavar="N", help="real and sampled clips compared, in its place"
    )
    parser.add_argument("--trials", type=int, metavar="N", help="of FVD, each with new samples")
    parser.add_argument("--clips", type=int, metavar="N", help="most held-out clips to measure")
    parser.add_argument("--seed", type=int, default=0, help="of clips, trials and samples")
    parser.add_argument("--temperature", type=float, default=1.0, metavar="T", help="of sampling")
    parser.add_argument("--top-k", type=int, metavar="K", help="of sampling")
    parser.add_argument("--top-p", type=float, metavar="P", help="of sampling")
    parser.add_argument("--guidance", type=float, default=1.0, metavar="W", help="of sampling")
    add_networks(parser)
    parser.add_argument(
        "--beside",
        metavar="DATASET",
        choices=("bair", "ucf101"),
        help="print the results beside those the paper has for bair or ucf101",
    )
    parser.add_argument("--stride", type=int, default=1, help="video frames per frame of a clip")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument(
        "--embeddings", metavar="FILE", help="those of the data, as train prior takes them"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the FILE of --json")
    add_backend(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measures, prints a table, and says where it all is."""
    if args.json:
        check_free(args.json, args.overwrite)
    for name, least in (("count", 2), ("trials", 1), ("clips", 1)):
        if (value := getattr(args, name)) is not None and value < least:
            raise ValueError(f"--{name} must be at least {least}; got {value}.")
    if args.protocol and args.count:
        raise ValueError("--count is in the place of --protocol's; give one of them.")
    if is_token_folder(args.data):
        videos = TokenFolder(args.data).description["data"]
        raise ValueError(
            f"evaluate needs videos; {args.data} holds stored tokens of {videos}, give that."
        )
    model = load(args.model)
    controls = given_controls(args, model)
    tokenizer = tokenizer_of(model)
    frames, height, width, _ = tokenizer.video_shape
    options = {"num_frames": frames, "size": (height, width), "stride": args.stride}
    held_out = clip_maker(args.embeddings)(open_videos(args.data, "test"), **options, start="all")
    mean_frame = Clips(open_videos(args.data, "train"), **options).mean_frame()
    clips = min(len(held_out), args.clips or len(held_out))
    if clips < LEAST_BY_DEFAULT and not (args.protocol or args.count or args.features):
        few = "1 held-out clip is" if clips == 1 else f"{clips} held-out clips are"
        print(f"No FVD: {few} too few for one.", file=sys.stderr)
        args.features = "none"
    protocol = chosen_protocol(args, clips, frames)
    if args.features != "none":
        check_clips(protocol, clips, frames)
    evaluation = Evaluation(
        protocol,
        network(args, protocol, frames),
        classifier(args),
        perceptual(args),
        clips=args.clips,
        batch_size=args.batch_size,
        seed=args.seed,
        controls=controls,
    )
    data = {"source": resolve_source(args.data), "split": "test", "stride": args.stride}
    data |= {"clips": len(held_out), "starts": "one after the other from frame 0"}
    folder = evaluation_folder(args, evaluation.settings(model, held_out, mean_frame, data))
    found = evaluation.run(model, held_out, mean_frame, folder, data, split="test")
    print(report(found))
    if args.beside:
        _print_beside(found, args.beside)
    written = [folder / "figures.json", folder / "clips.png"]
    if args.json:
        text = json.dumps(found, indent=2) + "\n"
        write_file(as_path(args.json), lambda file: file.write_text(text))
        written.append(args.json)
    print(f"Wrote {', '.join(str(path) for path in written[:-1])} and {written[-1]}.")


def given_controls(args: argparse.Namespace, model: VQVAE | VideoGPT) -> dict:
    """Controls of sampling that are not the defaults; `ValueError` for a tokenizer."""
    controls = {name: getattr(args, name) for name in CONTROLS}
    controls = {name: value for name, value in controls.items() if value != CONTROLS[name]}
    late = [*controls, *(["trials"] if args.trials else []), *(["c3d"] if args.c3d else [])]
    if isinstance(model, VQVAE) and late:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in late)
        raise ValueError(f"{options} can't be given: {args.model} is a tokenizer, and no prior.")
    return controls


def chosen_protocol(args: argparse.Namespace, clips: int, frames: int) -> Protocol:
    """The protocol of the options; without any, one that the clips suffice for, with the floor."""
    protocol = get_protocol(args.protocol or "videogpt")
    if args.protocol:
        return with_trials(protocol, args.trials)
    count = args.count or max(2, min(MOST_BY_DEFAULT, clips // 2))
    return protocol.with_counts(count, trials=args.trials, num_frames=frames)


def evaluation_folder(args: argparse.Namespace, settings: dict) -> Path:
    """Where an evaluation is kept: the same for the same settings, another for others."""
    if args.out:
        return local_path(args.out, "--out")
    path = as_path(args.model)
    if is_remote(path):
        folder = Path(f"{path.stem}-evaluation")
    else:
        folder = path / "evaluation" if path.is_dir() else path.with_name(f"{path.stem}-evaluation")
    text = json.dumps(settings, sort_keys=True)
    return folder / hashlib.sha256(text.encode()).hexdigest()[:8]


def _print_beside(found, data):
    for metric in sorted({one.metric for one in published(data=data)}):
        value = found.get(metric, found.get(PUBLISHED_AS.get(metric)))
        if value is not None:
            details = found["distances"].get(metric)
            name = f"this run ({details['protocol']})" if details else "this run"
            print(f"\n{metric} on {data}:\n{beside(value, data, metric, name)}")
