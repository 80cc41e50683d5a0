"""`keras-videogpt data`: prepares, records and inspects data sets."""

import argparse
from pathlib import Path
from typing import Any

from keras_videogpt.commands.arguments import DATA_HELP, add_backend
from keras_videogpt.commands.data_sets import page, run_list, run_prepare
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import held_out, open_videos
from keras_videogpt.data.prepared import prepared_folders
from keras_videogpt.data.pushing import record_pushing
from keras_videogpt.data.vizdoom import record_vizdoom
from keras_videogpt.presets.data_sets import DATA_SETS
from keras_videogpt.tokens.token_folder import TokenFolder, is_token_folder


def add_parser(subparsers: Any) -> None:
    """Adds the commands to `keras-videogpt`."""
    parser = subparsers.add_parser("data", help="prepare, record and inspect data sets")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    vizdoom = commands.add_parser("vizdoom", help="record a player in a ViZDoom scenario")
    _add_recording(vizdoom, episodes=100, frames=100)
    vizdoom.add_argument(
        "--scenario", default="health_gathering_supreme", help="a name, or a .cfg file"
    )
    vizdoom.add_argument(
        "--valid-share", type=float, default=0.0, help="of the episodes (default: none)"
    )
    vizdoom.add_argument("--frame-skip", type=int, default=4, help="game tics (1/35 s) per frame")
    vizdoom.set_defaults(run=run_vizdoom)

    pushing = commands.add_parser("pushing", help="simulate a robot arm that pushes objects")
    _add_recording(pushing, episodes=1000, frames=30)
    pushing.add_argument("--workers", type=int, default=2, help="processes")
    pushing.set_defaults(run=run_pushing)

    listing = commands.add_parser("list", help="the data sets of the paper, as presets")
    add_backend(listing)
    listing.set_defaults(run=run_list)

    prepare = commands.add_parser("prepare", help="make, download or convert the data of a preset")
    prepare.add_argument("name", choices=DATA_SETS, metavar="NAME", help=", ".join(DATA_SETS))
    prepare.add_argument("--out", required=True, metavar="DIR", help="goes on if it was begun")
    prepare.add_argument(
        "--source", help="what it is made from, see data show NAME; tfds for TensorFlow Datasets"
    )
    prepare.add_argument("--splits", metavar="DIR", help="split files of UCF-101 or TGIF")
    prepare.add_argument("--split-number", type=int, default=1, help="of UCF-101: 1, 2 or 3")
    prepare.add_argument(
        "--videos", type=int, metavar="N", help="how many to make, or to take of each split"
    )
    prepare.add_argument("--tfds", metavar="NAME", help="another name in TensorFlow Datasets")
    prepare.add_argument("--seed", type=int, default=0, help="of data that is made here")
    add_backend(prepare)
    prepare.set_defaults(run=run_prepare)

    show = commands.add_parser(
        "show", help="what a data preset is, or what DATA or stored tokens hold"
    )
    show.add_argument("data", metavar="NAME|DATA", help=DATA_HELP)
    show.add_argument("--frames", type=int, default=16, help="frames of a clip")
    show.add_argument("--size", type=int, default=64, help="height and width of a clip")
    show.add_argument("--stride", type=int, default=1)
    add_backend(show)
    show.set_defaults(run=run_show)


def _add_recording(parser: argparse.ArgumentParser, episodes: int, frames: int) -> None:
    """Adds what all recorders take."""
    parser.add_argument("--out", required=True, metavar="PATH", help="folder, .h5 or .hdf5 file")
    parser.add_argument("--episodes", type=int, default=episodes)
    parser.add_argument("--frames", type=int, default=frames, help="frames of an episode")
    parser.add_argument("--size", type=int, default=64, help="height and width in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--test-share", type=float, default=0.1, help="of the episodes (default: 0.1)"
    )
    add_backend(parser)


def run_vizdoom(args: argparse.Namespace) -> None:
    """Records episodes."""
    record_vizdoom(
        args.out,
        scenario=args.scenario,
        episodes=args.episodes,
        frames=args.frames,
        size=args.size,
        frame_skip=args.frame_skip,
        seed=args.seed,
        test_share=args.test_share,
        valid_share=args.valid_share,
    )


def run_pushing(args: argparse.Namespace) -> None:
    """Records robot pushing."""
    record_pushing(
        args.out,
        episodes=args.episodes,
        frames=args.frames,
        size=args.size,
        seed=args.seed,
        test_share=args.test_share,
        workers=args.workers,
    )


def run_show(args: argparse.Namespace) -> None:
    """Prints the page of a preset, and the splits of a data set, of videos or stored tokens."""
    if is_token_folder(args.data):
        show_tokens(TokenFolder(args.data))
        return
    if args.data in DATA_SETS and not Path(args.data).exists():
        print(page(DATA_SETS[args.data]))
        if args.data not in prepared_folders():
            return
        print()
    stores = {"train": open_videos(args.data, "train")} | held_out(args.data)
    for split, store in stores.items():
        clips = Clips(store, args.frames, args.size, args.stride)
        frames = sum(store.num_frames(i) for i in range(len(store)))
        parts = [f"{len(store)} videos", f"{frames} frames", f"{len(clips)} long enough"]
        if store.has_labels:
            parts.append(f"{len(store.class_names)} classes")
        if store.has_actions:
            parts.append(f"actions of {store.action_size} numbers")
        if split == "train":
            parts.append(f"variance {clips.variance():.4f}")
        print(f"{split}: {', '.join(parts)}")


def show_tokens(store: TokenFolder) -> None:
    """Prints what a folder of stored tokens holds, and whether all of it is there."""
    for split in store.splits:
        print(store.summary(split))
    description = store.description
    print(
        f"{description['num_codes']} codes; clips of {tuple(description['video_shape'])} from "
        f"{description['data']}; tokenizer {description['tokenizer']}"
    )
    missing = store.missing_shards()
    if missing:
        print(f"Not complete: {len(missing)} shards are missing; encode goes on with it.")
