"""One measurement of tools/bench_tokens, in a process of its own: prints a line of JSON.

    KERAS_BACKEND=torch python tools/bench_tokens_process.py tokens '{"preset": "paper", ...}'

for the source of the batches, `tokens` or `videos`, and the options of tools/bench_tokens.py.
"""

import importlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator

import keras
import numpy as np

from keras_videogpt import VQVAE, VideoGPT
from keras_videogpt.commands.training_run import TRAINING_SETTINGS
from keras_videogpt.data import ArrayVideos, Clips
from keras_videogpt.data.clip_source import ClipSource
from keras_videogpt.data.stream import stream
from keras_videogpt.presets import settings
from keras_videogpt.tokens import StoredTokens, store_tokens


def build_models(options: dict) -> tuple[VQVAE, VideoGPT]:
    """A tokenizer and a prior of a preset, with random weights."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(options["precision"])
    tokenizer, prior = (
        {k: v for k, v in settings(kind, options["preset"]).items() if k not in TRAINING_SETTINGS}
        for kind in ("vqvae", "prior")
    )
    frames, size = tokenizer.pop("frames"), tokenizer.pop("size")
    vqvae = VQVAE(**tokenizer | {"video_shape": (frames, size, size, 3), "data_variance": 0.06})
    prior |= {"attention": options["attention"]}
    if options["layers"]:
        prior["num_layers"] = options["layers"]
    gpt = VideoGPT(vqvae, **prior)
    gpt.compile(optimizer=keras.optimizers.Adam(3e-4))
    return vqvae, gpt


def encoded(batches: Iterator[dict], tokenizer: VQVAE) -> Iterator[dict]:
    """Batches of videos, encoded one after the other."""
    for batch in batches:
        yield {"codes": tokenizer.encode(batch["video"], len(batch["video"]))}


def seconds_of(function, steps: int) -> float:
    """Seconds of one step of `function(steps)`, after a first call that compiles."""
    function(1)
    start = time.perf_counter()
    function(steps)
    return (time.perf_counter() - start) / steps


def measure(source: str, options: dict) -> dict:
    """Seconds of a training step, and of getting the codes of its batch alone."""
    tokenizer, gpt = build_models(options)
    batch_size, steps = options["batch"], options["steps"]
    frames, size = tokenizer.video_shape[0], tokenizer.video_shape[1:3]
    rng = np.random.default_rng(0)
    videos = rng.integers(0, 256, (batch_size, *tokenizer.video_shape), "uint8")
    clips: ClipSource = Clips(ArrayVideos(videos), frames, size, start="all")
    with tempfile.TemporaryDirectory() as folder:
        if source == "tokens":
            store_tokens(folder, tokenizer, {"train": clips}, progress=False)
            clips = StoredTokens(folder, tokenizer)

        def train(steps: int) -> None:
            gpt.fit(stream(clips, batch_size), steps_per_epoch=steps, verbose=0)

        def read(steps: int) -> None:
            batches = stream(clips, batch_size)
            batches = batches if source == "tokens" else encoded(batches, tokenizer)
            list(itertools.islice(batches, steps))

        modules = ("keras", "numpy", keras.backend.backend())
        return {
            "step_seconds": seconds_of(train, steps),
            "codes_seconds": seconds_of(read, steps),
            "versions": {module: importlib.import_module(module).__version__ for module in modules},
        }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))))
