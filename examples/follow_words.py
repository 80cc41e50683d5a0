"""Trains a prior that follows sentences, with a text encoder of your own.

    python examples/follow_words.py --out words

The clips are made here: a disc, a square or a cross of one of four colours goes in one of four
directions, and a sentence says so. Six of the 48 combinations are never seen in training. Their
sentences are then sampled, and the colours and directions of the samples measured. `words` holds
a GIF and a contact sheet of them, a sentence a row, and both models.

It takes minutes on two CPU cores. With --tokenizer-epochs 2, which blurs the shapes, 98 % of the
samples have the colour and 100 % the direction of their sentence.

`encode` below is a small stand-in: a fixed random vector for every word. Whatever turns a sentence
into vectors, such as the last hidden states of a T5 or CLIP, takes its place: all that a prior
needs are embeddings (n, L, D) and a mask (n, L) of those that are there.
"""

import argparse
import zlib
from itertools import product
from pathlib import Path

import keras
import numpy as np

import keras_videogpt as kvg

COLOURS = {
    "red": (230, 60, 50),
    "green": (60, 200, 80),
    "blue": (70, 110, 240),
    "white": (235,) * 3,
}
MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
SHAPES = ("disc", "square", "cross")
FORMS = ("a {0} {1} goes {2}", "{2} goes the {0} {1}", "{0} {1} moving {2}")
FRAMES, SIZE, LENGTH, DIM = 8, 32, 5, 32


def draw(colour: str, shape: str, move: str, rng: np.random.Generator) -> np.ndarray:
    """A clip (T, H, W, 3) of a shape that moves two pixels a frame."""
    centre = rng.uniform(9, SIZE - 10, 2) - 7 * np.array(MOVES[move])
    video = np.full((FRAMES, SIZE, SIZE, 3), 30, "uint8")
    for t in range(FRAMES):
        down, right = np.abs(np.mgrid[:SIZE, :SIZE] - centre[:, None, None])
        inside = {
            "disc": np.hypot(down, right) < 5.5,
            "square": np.maximum(down, right) < 5,
            "cross": (np.minimum(down, right) < 2) & (np.maximum(down, right) < 6),
        }
        video[t][inside[shape]] = COLOURS[colour]
        centre += 2 * np.array(MOVES[move])
    return video


def encode(sentences: list[str]) -> dict[str, np.ndarray]:
    """Embeddings (n, L, D) of sentences and which of them are there (n, L)."""
    embeddings = np.zeros((len(sentences), LENGTH, DIM), "float32")
    mask = np.zeros((len(sentences), LENGTH), bool)
    for row, sentence in enumerate(sentences):
        for place, word in enumerate(sentence.split()):
            embeddings[row, place] = np.random.default_rng(zlib.crc32(word.encode())).normal(
                size=DIM
            )
            mask[row, place] = True
    return {"embeddings": embeddings, "embedding_mask": mask}


def make(meanings: list[tuple], count: int, rng: np.random.Generator) -> tuple[dict, list[str]]:
    """A batch for `fit`, and its sentences."""
    chosen = [meanings[i] for i in rng.integers(0, len(meanings), count)]
    sentences = [FORMS[rng.integers(0, len(FORMS))].format(*meaning) for meaning in chosen]
    videos = np.stack([draw(*meaning, rng) for meaning in chosen])
    return {"video": videos, **encode(sentences)}, sentences


def seen_colour(video: np.ndarray) -> str:
    """The colour that the bright pixels of a clip have on average."""
    pixels = video.reshape(-1, 3).astype(float)
    bright = pixels[pixels.max(axis=1) > 120]
    mean = bright.mean(axis=0) if len(bright) else pixels.mean(axis=0)
    return min(COLOURS, key=lambda name: np.abs(mean - COLOURS[name]).sum())


def seen_move(video: np.ndarray) -> str:
    """Where the centre of the bright pixels goes."""
    weight = np.maximum(video.max(axis=-1).astype(float) - 60, 1e-3)
    places = np.stack([(weight * axis).sum((1, 2)) for axis in np.mgrid[:SIZE, :SIZE]])
    path = places / weight.sum((1, 2))
    return max(MOVES, key=lambda name: np.dot(MOVES[name], path[:, -1] - path[:, 0]))


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("words"))
parser.add_argument("--clips", type=int, default=4096)
parser.add_argument("--tokenizer-epochs", type=int, default=8)
parser.add_argument("--prior-epochs", type=int, default=10)
parser.add_argument("--samples", type=int, default=10, help="of each unseen sentence")
args = parser.parse_args()
args.out.mkdir(parents=True)

rng = np.random.default_rng(0)
meanings = list(product(COLOURS, SHAPES, MOVES))
unseen = meanings[5::8]
training, _ = make([meaning for meaning in meanings if meaning not in unseen], args.clips, rng)

vqvae = kvg.VQVAE(
    video_shape=(FRAMES, SIZE, SIZE, 3),
    downsample=(2, 4, 4),
    num_codes=128,
    code_dim=16,
    hidden_units=32,
    num_residual_layers=1,
    axial_attention=False,
    ema_decay=0.95,
    data_variance=float(np.var(training["video"] / 255)),
)
vqvae.compile(optimizer=keras.optimizers.Adam(2e-3))
vqvae.fit(training["video"], batch_size=16, epochs=args.tokenizer_epochs)
vqvae.save(args.out / "vqvae.keras")

gpt = kvg.VideoGPT(
    vqvae,
    num_layers=3,
    num_heads=4,
    hidden_dim=96,
    dropout=0.0,
    embedding_shape=(LENGTH, DIM),
)
steps = args.prior_epochs * -(-args.clips // 16)
gpt.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
gpt.fit(training, batch_size=16, epochs=args.prior_epochs)
gpt.save(args.out / "videogpt.keras")

asked = [meaning for meaning in unseen for _ in range(args.samples)]
words = encode([FORMS[0].format(*meaning) for meaning in asked])
samples = kvg.sample(gpt, n=len(asked), seed=0, **words)
colours = np.mean([seen_colour(v) == m[0] for v, m in zip(samples, asked, strict=True)])
moves = np.mean([seen_move(v) == m[2] for v, m in zip(samples, asked, strict=True)])
print(f"Of {len(asked)} samples of sentences that were never seen, {colours:.0%} have their colour")
print(f"and {moves:.0%} their direction.")
grid = kvg.data.tile_videos(samples, columns=args.samples)
kvg.data.write_gif(args.out / "samples.gif", grid)
kvg.data.contact_sheet(samples[:: args.samples], args.out / "samples.png")
print(f"Wrote vqvae.keras, videogpt.keras, samples.gif and samples.png to {args.out}.")
