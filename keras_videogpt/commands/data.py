"""`keras-videogpt data`: records and inspects data sets."""

import argparse

from keras_videogpt.commands.arguments import add_backend
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.data.pushing import record_pushing
from keras_videogpt.data.vizdoom import record_vizdoom


def add_parser(subparsers) -> None:
    """Adds the commands to `keras-videogpt`."""
    parser = subparsers.add_parser("data", help="record and inspect data sets")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    vizdoom = commands.add_parser("vizdoom", help="record a player in a ViZDoom scenario")
    _add_recording(vizdoom, episodes=100, frames=100)
    vizdoom.add_argument("--scenario", default="health_gathering_supreme")
    vizdoom.add_argument("--frame-skip", type=int, default=4, help="game tics (1/35 s) per frame")
    vizdoom.set_defaults(run=run_vizdoom)

    pushing = commands.add_parser("pushing", help="simulate a robot arm that pushes objects")
    _add_recording(pushing, episodes=1000, frames=30)
    pushing.add_argument("--workers", type=int, default=2, help="processes")
    pushing.set_defaults(run=run_pushing)

    show = commands.add_parser("show", help="what a folder of videos or an HDF5 file holds")
    show.add_argument("data", metavar="DATA")
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
    )


def run_pushing(args: argparse.Namespace) -> None:
    """Records robot pushing."""
    record_pushing(
        args.out,
        episodes=args.episodes,
        frames=args.frames,
        size=args.size,
        seed=args.seed,
        workers=args.workers,
    )


def run_show(args: argparse.Namespace) -> None:
    """Prints both splits of a data set."""
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
