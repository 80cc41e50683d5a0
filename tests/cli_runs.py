"""A small data set and small runs for the tests of the commands."""

from pathlib import Path

import numpy as np

from keras_videogpt.cli import main
from keras_videogpt.data import write_mkv_lossless

VQVAE = (
    "--preset demo --frames 4 --size 16 --downsample 2 4 4 --num-codes 32 --code-dim 8 "
    "--hidden-units 16 --residual-units 8 --num-residual-layers 1 --batch-size 2 --workers 1 "
    "--steps 6 --save-every 2 --flip"
)
PRIOR = (
    "--preset demo --num-layers 2 --num-heads 2 --hidden-dim 20 --dropout 0.2 --batch-size 2 "
    "--workers 1 --steps 6 --save-every 2"
)


def write_data(folder: Path, classes: tuple[str, ...] = ("",)) -> Path:
    """Six lossless videos of moving colours in `train/`, two in `test/`; a folder per class."""
    y, x = np.mgrid[:16, :16]
    for index in range(8):
        t = np.arange(10)[:, None, None]
        planes = [128 + 120 * np.sin((x + y * index / 4 + t * 2 + k * index) / 3) for k in range(3)]
        split = "train" if index < 6 else "test"
        path = folder / split / classes[index % len(classes)] / f"{index}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mkv_lossless(path, np.stack(planes, axis=-1).astype("uint8"))
    return folder


def fails_in_one_line(capsys, arguments, *words):
    """A command ends with status 2 and one line on stderr that has `words`."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    message = [line for line in lines if line.startswith("keras-videogpt: ")]
    assert len(message) == 1 and message == lines[-1:]
    assert "Traceback" not in "\n".join(lines)
    for word in words:
        assert word in message[0]


def train_vqvae(data: Path, out: Path, extra: str = "") -> int:
    """Runs `keras-videogpt train vqvae`."""
    return main(["train", "vqvae", str(data), "--out", str(out), *VQVAE.split(), *extra.split()])


def train_prior(data: Path, tokenizer: Path, out: Path, extra: str = "") -> int:
    """Runs `keras-videogpt train prior`."""
    paths = [str(data), "--tokenizer", str(tokenizer), "--out", str(out)]
    return main(["train", "prior", *paths, *PRIOR.split(), *extra.split()])
