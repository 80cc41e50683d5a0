"""Shows what a world model makes of two action sequences, beside what the game makes of them.

    keras-videogpt data prepare vizdoom_hgs --videos 240 --out videos
    keras-videogpt train vqvae videos --preset demo --frames 8 --downsample 2 4 4 --size 32 \\
        --batch-size 16 --steps 2000 --out runs/vqvae
    keras-videogpt train prior videos --tokenizer runs/vqvae --preset demo --batch-size 16 \\
        --steps 2000 --action-cond frame --out runs/world
    python examples/act_in_vizdoom.py videos runs/world --out worlds

All of it takes about twenty minutes on two CPU cores with TensorFlow. Expect 2.9 bits per code of
the game's clips for a prior that is told the right actions and 3.9 for the other ones, and 78 % of
the samples nearer to the game under their own action than under the other.

Held-out episodes are played up to a frame that neither model has seen; from there on the game is
played twice, with either action held, and the prior samples both. It is given the first latent
frame, which stands for the last two frames before, and the actions. `worlds` then holds a GIF and a
contact sheet, for every start the game and the sample under the first action, then under the
second, and the figures that are printed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import keras_videogpt as kvg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("videos", type=Path, help="a recording of ViZDoom")
parser.add_argument("model", help="a prior that was trained on it with actions")
parser.add_argument("--out", type=Path, default=Path("worlds"))
parser.add_argument("--actions", nargs=2, default=["TURN_LEFT", "TURN_RIGHT"], metavar="ACTION")
parser.add_argument("--starts", type=int, default=48)
parser.add_argument("--shown", type=int, default=6, help="starts in the GIF")
parser.add_argument("--top-p", type=float, default=0.92)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

gpt = kvg.load(args.model)
length, *size, _ = gpt.tokenizer.video_shape
known = length // gpt.codes_shape[0]  # frames of the first latent frame
recording = json.loads((args.videos / "dataset.json").read_text())
request, names = recording["request"], recording["actions"]
lines = (args.videos / "episodes.jsonl").read_text().split("\n")
records = sorted(map(json.loads, filter(None, lines)), key=lambda record: record["episode"])
seeds = [record["seed"] for record in records if record["split"] == "test"]
episodes = kvg.data.VideoFolder(args.videos, "test")


def play(episode: int, start: int, action: str) -> tuple[np.ndarray, np.ndarray]:
    """A clip of the game (T, H, W, 3), as recorded for the known frames, and its actions (T, A)."""
    before = episodes.actions(episode, 0, start + known - 1)
    held = np.eye(len(names), dtype="float32")[[names.index(action)] * (length - known + 1)]
    actions = np.concatenate([before, held])
    settings = (request[name] for name in ("scenario", "size", "frame_skip"))
    clip = kvg.data.replay_vizdoom(seeds[episode], actions, *settings)[start:]
    return kvg.data.resize_shorter_side(clip, tuple(size)), actions[start:]


rng = np.random.default_rng(args.seed)
games, actions = [], []  # for every start under the first action, and under the second
while len(games) < args.starts:
    episode = len(games) % len(episodes)
    start = rng.integers(1, episodes.num_frames(episode) - length)
    clips, done = zip(*(play(episode, start, action) for action in args.actions), strict=True)
    if all(len(clip) == length for clip in clips):  # the player is still alive
        games.append(clips)
        actions.append(done)
games, actions = np.array(games), np.array(actions)  # (starts, 2, T, H, W, 3), (starts, 2, T, A)

# The frames after the known ones are not: the last of these stands for them.
shown = games[:, 0, np.minimum(np.arange(length), known - 1)]
given = gpt.tokenizer.encode(shown)[:, :1]
samples, right, wrong = [], [], []
for side in (0, 1):
    how = {"prefix": given, "top_p": args.top_p, "seed": args.seed}
    samples.append(kvg.sample(gpt, n=args.starts, actions=actions[:, side], **how))
    right.append(gpt.bits_per_dim(games[:, side], actions=actions[:, side]))
    wrong.append(gpt.bits_per_dim(games[:, side], actions=actions[:, 1 - side]))
samples = np.stack(samples, axis=1)  # (starts, 2, T, H, W, 3)


def distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean squared difference of clips (..., T, H, W, 3)."""
    return ((one / 255 - other / 255) ** 2).mean(axis=(-4, -3, -2, -1))


nearer = distance(samples, games) < distance(samples, games[:, ::-1])
figures = {
    "share of samples nearer to the game under their own action": nearer.mean(),
    "bits per code of the game's clips, told its action": np.mean(right),
    "bits per code of the game's clips, told the other action": np.mean(wrong),
}

args.out.mkdir(parents=True, exist_ok=True)
rows = np.stack([games, samples], axis=2)[: args.shown]  # (starts, 2, game or sample, T, H, W, 3)
rows = rows.reshape(-1, *rows.shape[3:])
rows = rows.repeat(2, axis=2).repeat(2, axis=3)  # pixels are small
grid = kvg.data.tile_videos(rows, columns=4)
kvg.data.write_gif(args.out / "worlds.gif", grid, fps=35 / request["frame_skip"])
kvg.data.contact_sheet(rows[:12], args.out / "worlds.png")
(args.out / "figures.json").write_text(json.dumps(figures, indent=2, default=float) + "\n")
for name, value in figures.items():
    print(f"{name}: {value:.3f}")
print(f"Wrote worlds.gif, worlds.png and figures.json to {args.out}.")
