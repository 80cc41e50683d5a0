"""`keras-videogpt data list|show|prepare`: the data presets."""

import argparse
import textwrap
from pathlib import Path

import numpy as np

from keras_videogpt.data.prepared import prepared_folders, remember_folder
from keras_videogpt.data.transforms import center_crop, resize_shorter_side
from keras_videogpt.data.video_file import VideoError, read_video
from keras_videogpt.data.video_folder import SPLITS
from keras_videogpt.data.video_grid import contact_sheet
from keras_videogpt.data.video_index import list_videos
from keras_videogpt.presets.data_set import DataSet
from keras_videogpt.presets.data_sets import DATA_SETS, DECISIONS
from keras_videogpt.presets.prepare import prepare
from keras_videogpt.presets.settings import settings

WIDTH = 98
SHOWN_VIDEOS, SHOWN_FRAMES = 6, 16
SHOWN_FAILURES = 3


def run_list(args: argparse.Namespace) -> None:
    """Prints a table of the data presets."""
    prepared = prepared_folders()
    rows = [("name", "what", "conditions", "size", "prepared")]
    for data_set in DATA_SETS.values():
        frames = settings("vqvae", data_set.name)["frames"]
        rows.append(
            (
                data_set.name,
                data_set.what,
                ", ".join(data_set.conditions),
                f"{frames}x{data_set.size}x{data_set.size}",
                str(prepared.get(data_set.name, f"no; {data_set.how}")),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    print(
        "\nMore: keras-videogpt data show NAME. Prepare: keras-videogpt data prepare NAME --out DIR"
    )


def page(data_set: DataSet) -> str:
    """All that a data preset says, as text."""
    tokenizer, prior = (settings(kind, data_set.name) for kind in ("vqvae", "prior"))
    size = data_set.size
    clip = (tokenizer["frames"], size, size)
    grid = tuple(n // d for n, d in zip(clip, tokenizer["downsample"], strict=True))
    conditions = [f"{name} {shape}" for name, shape in data_set.conditions.items()]
    variance = "" if data_set.variance is None else f"{data_set.variance}, "
    folder = prepared_folders().get(data_set.name)
    facts = {
        "source": data_set.source,
        "preparing": data_set.preparation,
        "splits": data_set.splits,
        "videos": f"{data_set.video_frames} frames",
        "clips": f"{(*clip, 3)}, consecutive frames",
        "conditions": f"{'; '.join(conditions)}; in the paper: {data_set.paper_conditions}",
        "variance": variance + data_set.variance_from,
        "codes": f"{grid} of {tokenizer['num_codes']}",
        "tokenizer": _listed(tokenizer),
        "prior": _listed(prior),
        "prepared": f"in {folder}" if folder else "not on this machine",
    }
    lines = [f"{data_set.name}: {data_set.what}", ""]
    for name, text in facts.items():
        lines += _filled(text, f"{name:<12}")
    lines += ["", "Where the paper is unclear or differs from its code:"]
    for decision in (*data_set.decisions, *DECISIONS):
        lines += _filled(decision, "- ")
    name = data_set.name
    return "\n".join(
        [
            *lines,
            "",
            f"keras-videogpt data prepare {name} --out DIR",
            f"keras-videogpt train vqvae {name} --preset {name} --out runs/{name}_vqvae",
            f"keras-videogpt train prior {name} --preset {name} --tokenizer runs/{name}_vqvae "
            f"--out runs/{name}_prior",
        ]
    )


def _listed(options: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items() if value is not None)


def _filled(text: str, label: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=label, subsequent_indent=" " * len(label))


def run_prepare(args: argparse.Namespace) -> None:
    """Makes, downloads or converts a data set, and says what was written."""
    failed = prepare(
        args.name,
        args.out,
        source=args.source,
        splits=args.splits,
        split_number=args.split_number,
        videos=args.videos,
        seed=args.seed,
        tfds=args.tfds,
    )
    out = Path(args.out)
    for video, reason in failed[:SHOWN_FAILURES]:
        print(f"Left out {video}: {reason}")
    if failed:
        print(f"{len(failed)} videos are left out; the same command tries them again.")
    names = list_videos(out)
    counts = {split: sum(name.startswith(f"{split}/") for name in names) for split in SPLITS}
    sheet = out / "contact_sheet.png"
    write_preview(out, names, sheet)
    try:
        remember_folder(args.name, out)
        known = f"{args.name} is now its name wherever DATA is asked for."
    except OSError as error:
        known = f"Its name cannot be remembered ({error}); give the folder as DATA."
    listed = ", ".join(f"{count} {split}" for split, count in counts.items() if count)
    print(f"Wrote {out} ({listed} videos) and {sheet}. {known}")


def write_preview(folder: Path, names: list[str], path: Path) -> None:
    """Writes a contact sheet of the first frames of some videos.

    Args:
        folder: the folder of videos.
        names: the videos in it.
        path: the .png file.
    """
    rows = []
    for name in names[:: max(1, len(names) // SHOWN_VIDEOS)][:SHOWN_VIDEOS]:
        try:
            video = read_video(folder / name)[:SHOWN_FRAMES]
        except (VideoError, FileNotFoundError):
            continue
        video = center_crop(resize_shorter_side(video, 64), 64)
        rows.append(np.pad(video, ((0, SHOWN_FRAMES - len(video)), (0, 0), (0, 0), (0, 0)), "edge"))
    if rows:
        contact_sheet(np.stack(rows), path)
