"""Computes the outputs of saved models on the backend of `KERAS_BACKEND`; for test_backends.py.

`python backend_outputs.py FOLDER` reads vqvae.keras, gpt.keras, conditioned.keras, inputs.npz and
conditions.npz there, and writes BACKEND.npz beside them.
"""

import sys
from pathlib import Path

import keras
import numpy as np

import keras_videogpt as kvg


def main(folder: Path) -> None:
    inputs = np.load(folder / "inputs.npz")
    vqvae, gpt = kvg.load(folder / "vqvae.keras"), kvg.load(folder / "gpt.keras")
    scaled = inputs["videos"].astype("float32") / 255 - 0.5
    options = {"n": 4, "seed": 0, "return_codes": True, "progress": False}
    clips, sampled = kvg.sample(gpt, **options)
    conditioned = kvg.load(folder / "conditioned.keras")
    conditions = dict(np.load(folder / "conditions.npz"))
    _, guided = kvg.sample(conditioned, **options, **conditions, guidance=1.5)
    np.savez(
        folder / f"{keras.backend.backend()}.npz",
        features=vqvae.encoder.predict(scaled, verbose=0),
        codes=vqvae.encode(inputs["videos"]),
        video=vqvae.decode(inputs["codes"]),
        logits=gpt.logits(inputs["codes"]),
        bits=gpt.bits_per_dim(inputs["codes"]),
        sampled=sampled,
        clips=clips,
        conditioned_logits=conditioned.logits(inputs["codes"], **conditions),
        guided=guided,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
