"""`keras-videogpt data`: records and inspects data sets."""

import argparse

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.data.vizdoom import record_vizdoom
from keras_videogpt.tokens.token_folder import TokenFolder, is_token_folder


def add_parser(subparsers) -> None:
    """Adds the commands to `keras-videogpt`."""
    parser = subparsers.add_parser("data", help="record and inspect data sets")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    vizdoom = commands.add_parser("vizdoom", help="record a player in a ViZDoom scenario")
    vizdoom.add_argument("--out", required=True, metavar="DIR")
    vizdoom.add_argument("--scenario", default="health_gathering_supreme")
    vizdoom.add_argument("--episodes", type=int, default=100)
    vizdoom.add_argument("--frames", type=int, default=100, help="frames of an episode")
    vizdoom.add_argument("--size", type=int, default=64, help="height and width in pixels")
    vizdoom.add_argument("--frame-skip", type=int, default=4, help="game tics (1/35 s) per frame")
    vizdoom.add_argument("--seed", type=int, default=0)
    add_backend(vizdoom)
    vizdoom.set_defaults(run=run_vizdoom)

    show = commands.add_parser(
        "show", help="what a folder of videos or tokens, or an HDF5 file, holds"
    )
    show.add_argument("data", metavar="DATA")
    show.add_argument("--frames", type=int, default=16, help="frames of a clip")
    show.add_argument("--size", type=int, default=64, help="height and width of a clip")
    show.add_argument("--stride", type=int, default=1)
    add_backend(show)
    show.set_defaults(run=run_show)


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
    )


def run_show(args: argparse.Namespace) -> None:
    """Prints both splits of a data set, of videos or stored tokens."""
    if is_token_folder(args.data):
        show_tokens(TokenFolder(args.data))
        return
    for split in ("train", "test"):
        store = open_videos(args.data, split)
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
