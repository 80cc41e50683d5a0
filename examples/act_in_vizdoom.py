"""Shows what a world model makes of two action sequences, beside what the game makes of them.

    keras-videogpt data prepare vizdoom_hgs --videos 240 --out videos
    keras-videogpt train vqvae videos --preset demo --steps 4000 --out runs/vqvae
    keras-videogpt train prior videos --tokenizer runs/vqvae --preset demo --steps 4000 \\
        --frame-cond 1 --action-cond frame --out runs/world
    python examples/act_in_vizdoom.py videos runs/world --out worlds

Held-out episodes are played up to a frame that neither model has seen; from there on the game is
played twice, with either action held, and the prior samples both from that frame and the actions
alone. `worlds` then holds a GIF and a contact sheet, for every start the game and the sample under
the first action, then under the second, and the figures that are printed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import keras_videogpt as kvg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("videos", type=Path, help="a recording of ViZDoom")
parser.add_argument("model", help="a prior that was trained on it with frames and actions")
parser.add_argument("--out", type=Path, default=Path("worlds"))
parser.add_argument("--actions", nargs=2, default=["TURN_LEFT", "TURN_RIGHT"], metavar="ACTION")
parser.add_argument("--starts", type=int, default=48)
parser.add_argument("--shown", type=int, default=6, help="starts in the GIF")
parser.add_argument("--top-p", type=float, default=0.92)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

gpt = kvg.load(args.model)
clip_length = gpt.tokenizer.video_shape[0]
recording = json.loads((args.videos / "dataset.json").read_text())
request, names = recording["request"], recording["actions"]
lines = (args.videos / "episodes.jsonl").read_text().split("\n")
records = sorted(map(json.loads, filter(None, lines)), key=lambda record: record["episode"])
seeds = [record["seed"] for record in records if record["split"] == "test"]
episodes = kvg.data.VideoFolder(args.videos, "test")


def play(episode: int, start: int, action: str) -> np.ndarray:
    """A clip of the game (T, H, W, 3): an episode as recorded up to a frame, then one action."""
    held = np.eye(len(names))[[names.index(action)] * clip_length]
    actions = np.concatenate([episodes.actions(episode, 0, start), held])
    settings = (request[name] for name in ("scenario", "size", "frame_skip"))
    return kvg.data.replay_vizdoom(seeds[episode], actions, *settings)[start:]


rng = np.random.default_rng(args.seed)
games = []  # for every start the game under the first action, and under the second
while len(games) < args.starts:
    episode = len(games) % len(episodes)
    start = rng.integers(1, episodes.num_frames(episode) - clip_length)
    clips = [play(episode, start, action) for action in args.actions]
    if all(len(clip) == clip_length for clip in clips):  # the player is still alive
        games.append(clips)
games = np.array(games)  # (starts, 2, T, H, W, 3)

one_hot = np.eye(len(names), dtype="float32")
shape = (args.starts, clip_length, len(names))
first, second = (np.broadcast_to(one_hot[names.index(action)], shape) for action in args.actions)
samples, right, wrong = [], [], []
for side, actions, others in ((0, first, second), (1, second, first)):
    frames = games[:, side, : gpt.frame_cond]
    how = {"top_p": args.top_p, "seed": args.seed, "keep_frames": True}
    samples.append(kvg.sample(gpt, n=args.starts, frames=frames, actions=actions, **how))
    right.append(gpt.bits_per_dim(games[:, side], actions=actions))
    wrong.append(gpt.bits_per_dim(games[:, side], actions=others))
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
grid = kvg.data.tile_videos(rows, columns=4)
kvg.data.write_gif(args.out / "worlds.gif", grid, fps=35 / request["frame_skip"])
kvg.data.contact_sheet(rows[:12], args.out / "worlds.png")
(args.out / "figures.json").write_text(json.dumps(figures, indent=2, default=float) + "\n")
for name, value in figures.items():
    print(f"{name}: {value:.3f}")
print(f"Wrote worlds.gif, worlds.png and figures.json to {args.out}.")
