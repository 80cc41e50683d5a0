"""Worlds in which a condition decides what is to be seen: a short training has to find that out.

A dot moves about a row over a background. Clips are given as codes: 0 to 2 are backgrounds, 3 to 5
the colours of the dot.
"""

import keras
import numpy as np
import pytest
from checks import small_gpt, small_vqvae

import keras_videogpt as kvg

FRAMES, PLACES, COLOURS = 4, 4, 3
WORDS = np.random.default_rng(9).normal(size=(COLOURS + 2, 8)).astype("float32")


@pytest.fixture(scope="module")
def vqvae():
    return small_vqvae(
        video_shape=(FRAMES, 4, 2 * PLACES, 3), downsample=(1, 4, 2), num_codes=8, hidden_units=8
    )


class World:
    """Clips of a world, with so many kinds of dots and backgrounds, and what is known about them.

    Attributes:
        codes: int32 `(n, FRAMES, 1, PLACES)`.
        colours, backgrounds: int32 `(n,)`.
        moves: int32 `(n, FRAMES)`, to which end the dot goes after each frame.
    """

    def __init__(self, count: int, seed: int, kinds: int = COLOURS):
        self.rng = rng = np.random.default_rng(seed)
        self.colours = rng.integers(0, kinds, count).astype("int32")
        self.backgrounds = rng.integers(0, kinds, count).astype("int32")
        self.moves = rng.integers(0, 2, (count, FRAMES)).astype("int32")
        ends = (PLACES - 1) * self.moves[:, :-1]
        places = np.concatenate([rng.integers(0, PLACES, (count, 1)), ends], axis=1)
        codes = np.broadcast_to(self.backgrounds[:, None, None], (count, FRAMES, PLACES)).copy()
        np.put_along_axis(codes, places[..., None], COLOURS + self.colours[:, None, None], axis=2)
        self.codes = codes[:, :, None].astype("int32")

    def first_frames(self) -> np.ndarray:
        """Noisy frames with the background's hue, uint8 `(n, 1, 4, 2 * PLACES, 3)`."""
        frames = self.rng.integers(0, 90, (len(self.codes), 1, 4, 2 * PLACES, 3))
        frames[np.arange(len(frames)), ..., self.backgrounds] += 120
        return frames.astype("uint8")

    def sentences(self) -> dict[str, np.ndarray]:
        """A word for the colour somewhere among others, up to a length; behind it, any words."""
        count, length = len(self.codes), 4
        words = self.rng.integers(COLOURS, len(WORDS), (count, length))
        lengths = self.rng.integers(1, length + 1, count)
        words[np.arange(count), self.rng.integers(0, lengths)] = self.colours
        mask = np.arange(length) < lengths[:, None]
        behind = self.rng.integers(0, len(WORDS), (count, length))
        return {"embeddings": WORDS[np.where(mask, words, behind)], "embedding_mask": mask}


def most_common(codes, lowest):
    """The code of each clip that is there most often among `COLOURS` of them."""
    counts = [(codes == code).sum(axis=(1, 2, 3)) for code in range(lowest, lowest + COLOURS)]
    return np.argmax(counts, axis=0)


def backgrounds(codes):
    return most_common(codes, 0)


def colours(codes):
    return most_common(codes, COLOURS)


def moves(codes):
    """Where the dot goes from frame to frame, `(n, FRAMES - 1)`; -1 for another place."""
    places = (codes[:, 1:, 0] >= COLOURS).argmax(axis=2)
    return np.select([places == 0, places == PLACES - 1], [0, 1], -1)


def trained(vqvae, batch, steps, batch_size=64, learning_rate=5e-3, **options):
    gpt = small_gpt(vqvae, hidden_dim=32, feed_forward_ratio=2, **options)
    if gpt.frame_cond:
        # Millions of weights: random features tell a background too, in a tenth of the time.
        gpt.condition_encoder.get_layer("frame_encoder").trainable = False
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    gpt.compile(optimizer=keras.optimizers.Adam(rate))
    epochs = -(-steps * batch_size // len(batch["codes"]))
    gpt.fit(batch, batch_size=batch_size, epochs=epochs, verbose=0)
    return gpt


def check_likelihood(gpt, codes, right, wrong):
    """Nearly every clip is likelier with its own condition than with another."""
    better = gpt.bits_per_dim(codes, **right, batch_size=64)
    worse = gpt.bits_per_dim(codes, **wrong, batch_size=64)
    assert (better < worse).mean() >= 0.95 and worse.mean() > better.mean() + 0.1


def sampled(gpt, n, **conditions):
    _, codes = kvg.sample(gpt, n, seed=0, progress=False, return_codes=True, **conditions)
    return codes


def test_labels_decide_the_colour(vqvae):
    world, held_out = World(512, 0), World(64, 1)
    batch = {"codes": world.codes, "label": world.colours}
    gpt = trained(vqvae, batch, 100, learning_rate=1e-2, num_classes=COLOURS)
    right = {"labels": held_out.colours}
    check_likelihood(gpt, held_out.codes, right, {"labels": (held_out.colours + 1) % COLOURS})
    assert (colours(sampled(gpt, 64, **right)) == held_out.colours).mean() >= 0.95


@pytest.mark.parametrize("kind", ["clip", "frame"])
def test_actions_decide_the_motion(kind, vqvae):
    world, held_out = World(1024, 0, kinds=1), World(64, 1, kinds=1)
    options = {"action_shape": (FRAMES,), "num_actions": 2, "action_conditioning": kind}
    batch = {"codes": world.codes, "actions": world.moves}
    gpt = trained(vqvae, batch, 400, batch_size=32, **options)
    right, wrong = {"actions": held_out.moves}, {"actions": 1 - held_out.moves}
    check_likelihood(gpt, held_out.codes, right, wrong)
    went = moves(sampled(gpt, 64, **right))
    assert (went == held_out.moves[:, :-1]).mean() >= 0.95


def test_frames_decide_the_background(vqvae):
    world, held_out = World(256, 0), World(64, 1)
    gpt = trained(
        vqvae,
        {"codes": world.codes, "frames": world.first_frames()},
        frame_cond=1,
        frame_encoder_depth=18,
        frame_encoder_width=16,
        steps=80,
        batch_size=16,
        learning_rate=1e-2,
    )
    frames = held_out.first_frames()
    check_likelihood(gpt, held_out.codes, {"frames": frames}, {"frames": np.roll(frames, 1, -1)})
    codes = sampled(gpt, 64, frames=frames)
    assert (backgrounds(codes) == held_out.backgrounds).mean() >= 0.95


def test_embeddings_decide_the_colour(vqvae):
    world, held_out = World(1024, 0), World(64, 1)
    batch = {"codes": world.codes, **world.sentences()}
    gpt = trained(vqvae, batch, 150, learning_rate=1e-2, embedding_shape=(4, 8))
    right = held_out.sentences()
    held_out.colours = (held_out.colours + 1) % COLOURS
    check_likelihood(gpt, held_out.codes, right, held_out.sentences())
    assert (colours(sampled(gpt, 64, **right)) == colours(held_out.codes)).mean() >= 0.95
