import json
import os
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_videogpt.data.clips import Clips
from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.vqvae import VQVAE
from keras_videogpt.paths import UNFINISHED, write_file
from keras_videogpt.tokens.describe import describe, differences
from keras_videogpt.tokens.token_folder import DESCRIPTION_NAME, TokenFolder


def store_tokens(
    folder: str | os.PathLike,
    tokenizer: VQVAE,
    clips: dict[str, Clips],
    frame_cond: int = 0,
    passes: int = 1,
    data: str = "",
    clips_per_shard: int = 256,
    batch_size: int = 8,
    workers: int = 4,
    progress: bool = True,
) -> Path:
    """Encodes clips and stores their codes and conditions; see `TokenFolder` for the format.

    Called again with the same arguments it encodes what is missing: a shard is there as a whole or
    not at all. Pass p of a split holds what its clips are in epoch p.

    Args:
        folder: where to; made if need be.
        tokenizer: the tokenizer.
        clips: clips of the tokenizer's shape for each split, such as `"train"` and `"test"`.
        frame_cond: number of first frames F to store with each clip, 0 for none.
        passes: how often to store the clips of the splits in which something is random.
        data: where the videos are from, for the description.
        clips_per_shard: clips in a file; what an interruption loses is at most one.
        batch_size: clips to encode at once.
        workers: reading threads.
        progress: whether to show a progress bar and, at the end, what was written.

    Returns:
        The folder.

    Raises:
        ValueError: an argument is out of range or does not fit the others; or the folder holds
            other files, or tokens of another tokenizer, other data or other settings.

    Example:
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> videos = np.random.default_rng(0).integers(0, 256, (3, 4, 16, 16, 3), "uint8")
        >>> clips = Clips(ArrayVideos(videos), num_frames=4, size=16, start="all")
        >>> folder = store_tokens("tokens", vqvae, {"train": clips}, progress=False)
        >>> TokenFolder(folder).summary("train")
        'train: 3 clips, codes int16 (2, 8, 8); 0.0 MiB'
    """
    check_positive(
        passes=passes, clips_per_shard=clips_per_shard, batch_size=batch_size, workers=workers
    )
    description = describe(tokenizer, clips, frame_cond, passes, data, clips_per_shard)
    store = _claim(Path(folder), description)
    for unfinished in store.folder.rglob(f"{UNFINISHED}*"):
        unfinished.unlink()
    missing = store.missing_shards()
    places = (
        (clips[split], *divmod(position, len(clips[split]))[::-1])
        for split, shard in missing
        for position in store.records_of(split, shard)
    )
    left = sum(len(store.records_of(*shard)) for shard in missing)
    total = sum(store.num_clips(split) * store.passes(split) for split in store.splits)
    options = {"desc": "encoding", "unit": "clip", "disable": not (progress and missing)}
    bar = tqdm(total=total, initial=total - left, **options)
    with bar, closing(_read_ahead(places, workers, 2 * batch_size)) as items:
        for split, shard in missing:
            records = np.zeros(len(store.records_of(split, shard)), store.record)
            for start in range(0, len(records), batch_size):
                part = records[start : start + batch_size]
                _fill(part, list(islice(items, len(part))), tokenizer, frame_cond)
                bar.update(len(part))
            store.write_shard(split, shard, records)
    if progress:
        print(f"Wrote {folder}:" if missing else f"{folder} holds all its clips already:")
        print("\n".join(store.summary(split) for split in store.splits))
    return store.folder


def _claim(folder: Path, description: dict) -> TokenFolder:
    """Describes a new folder, or makes sure that the one there is of the same description."""
    path = folder / DESCRIPTION_NAME
    if path.exists():
        store = TokenFolder(folder)
        different = differences(store.description, description)
        if different:
            raise ValueError(
                f"{folder} holds other tokens: {'; '.join(different)}. Choose another folder, or "
                "the tokenizer, data and settings of that one."
            )
        return store
    if folder.exists() and any(not p.name.startswith(UNFINISHED) for p in folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no tokens. Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(description, indent=2) + "\n"
    write_file(path, lambda file: file.write_text(text))
    return TokenFolder(folder)


def _fill(records: np.ndarray, items: list[dict], tokenizer: VQVAE, frame_cond: int) -> None:
    videos = np.stack([item["video"] for item in items])
    records["codes"] = tokenizer.encode(videos, len(videos))
    if frame_cond:
        records["frames"] = videos[:, :frame_cond]
    for name in set(records.dtype.names or ()) - {"codes", "frames"}:
        records[name] = np.stack([item[name] for item in items])


def _read_ahead(
    places: Iterable[tuple[Clips, int, int]], workers: int, ahead: int
) -> Generator[dict[str, np.ndarray], None, None]:
    """Reads clips, given as `(clips, index, epoch)`, in threads, `ahead` of them before time."""
    with ThreadPoolExecutor(workers) as executor:
        pending: deque = deque()
        for clips, index, epoch in places:
            pending.append(executor.submit(clips.get, index, epoch))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
