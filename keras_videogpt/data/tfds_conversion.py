"""Data sets of TensorFlow Datasets as folders of videos."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.recording import claim_folder, write_episode
from keras_videogpt.data.tfds_dataset import ExampleLayout, SplitPlan, open_builder, plan_splits


def convert_tfds(
    out: str | os.PathLike,
    name: str,
    data_dir: str | os.PathLike | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> None:
    """Writes a data set of TensorFlow Datasets as a folder for `VideoFolder`, without loss.

    It is downloaded if need be, and read once in its order, in any file format. Example i of its
    split becomes `SPLIT/video_i.mkv`, in a folder per class where there are classes, with its
    actions beside it. A stopped run goes on where it was.

    Args:
        out: the folder.
        name: name of the data set, such as `"bair_robot_pushing_small"`.
        data_dir: where TensorFlow Datasets keeps its data; `None` for its default.
        limit: at most so many videos of a split; `None` for all.
        progress: whether to show a progress bar.

    Raises:
        ImportError: tensorflow-datasets is missing.
        FileExistsError: `out` holds another data set.
        ValueError: no such data set, or no video in it.

    Example:
        >>> convert_tfds("bair", "bair_robot_pushing_small")
    """
    builder = open_builder(name, data_dir, download=True)
    layout, plan = ExampleLayout(builder), plan_splits(builder)
    out = claim_folder(out, {"tfds": builder.info.full_name})
    done = {(path.relative_to(out).parts[0], path.stem) for path in out.rglob("video_*.mkv")}
    for source in sorted({source for source, _ in plan.values()}):
        wanted = _wanted(plan, source, _count(builder, source), limit)
        missing = {i: split for i, split in wanted.items() if (split, _stem(i)) not in done}
        if missing:
            _convert(builder, source, layout, out, missing, progress)


def _convert(
    builder: Any,
    source: str,
    layout: ExampleLayout,
    out: Path,
    missing: dict[int, str],
    progress: bool,
) -> None:
    """Writes the missing examples of a split."""
    examples = _examples(builder, source, sorted(missing))
    for i, example in tqdm(examples, f"Converting {source}", len(missing), disable=not progress):
        label = layout.label(example)
        class_folder = "" if label is None else layout.class_names[label]
        path = out / missing[i] / class_folder / f"{_stem(i)}.mkv"
        write_episode(path, layout.video(example), layout.actions(example))


def _examples(builder: Any, source: str, numbers: list[int]) -> Iterator[tuple[int, Any]]:
    """Examples and their numbers, in the order of the files, whatever their format."""
    tfds = optional_import("tensorflow_datasets", "tfds")
    try:
        examples = builder.as_data_source(source)
    except NotImplementedError:  # no random access: what lies between is read too
        first, last, wanted = numbers[0], numbers[-1], set(numbers)
        order = tfds.ReadConfig(interleave_cycle_length=1)
        examples = builder.as_dataset(split=source, shuffle_files=False, read_config=order)
        examples = tfds.as_numpy(examples.skip(first).take(last - first + 1))
        yield from ((i, example) for i, example in enumerate(examples, first) if i in wanted)
    else:
        yield from ((i, examples[i]) for i in numbers)


def _wanted(plan: SplitPlan, source: str, count: int, limit: int | None) -> dict[int, str]:
    """The examples of a data set's split that are to be written, and to which of ours."""
    wanted = {}
    for split, (place, belongs) in plan.items():
        numbers = [i for i in range(count) if place == source and belongs(i)]
        wanted |= dict.fromkeys(numbers[:limit], split)
    return wanted


def _count(builder: Any, source: str) -> int:
    return builder.info.splits[source].num_examples


def _stem(index: int) -> str:
    return f"video_{index:06d}"
