"""A list of URLs of GIFs, as TGIF is distributed."""

import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from keras_videogpt.data.recording import claim_folder, held_out
from keras_videogpt.data.video_file import VideoError, scan_video
from keras_videogpt.paths import write_file

SCHEMES = ("http", "https", "file")
SPLIT_FILES = {"train": "train.txt", "valid": "val.txt", "test": "test.txt"}
TIMEOUT_SECONDS = 30
MAX_BYTES = 2**26


def download_gifs(
    out: str | os.PathLike,
    url_list: str | os.PathLike,
    split_files: str | os.PathLike | None = None,
    limit: int | None = None,
    workers: int = 8,
    progress: bool = True,
) -> list[tuple[str, str]]:
    """Downloads the GIFs of a list into a folder for `VideoFolder`.

    The GIF of line i of the list, from 0, becomes `SPLIT/i.gif`, so that what else the line says
    can be found again. What cannot be downloaded, or is no GIF that decodes, is left out, listed in
    `failed.tsv` with the reason, and tried again by the next call.

    Args:
        out: the folder to write.
        url_list: text file, a line a GIF: its URL (http, https, file), and after a tab whatever
            there is; such as TGIF's `tgif-v1.0.tsv`.
        split_files: folder of `train.txt`, `val.txt` and `test.txt`, a URL a line; URLs in none of
            them are left out. `None`: every tenth GIF is for testing.
        limit: at most so many GIFs of a split; `None` for all.
        workers: how many to download at a time.
        progress: whether to show a progress bar.

    Returns:
        `(url, reason)` of those that failed.

    Raises:
        FileNotFoundError: the list or a split file is missing.
        ValueError: a line that does not begin with a URL, or the list is empty.
        FileExistsError: `out` holds another data set.

    Example:
        >>> failed = download_gifs("tgif", "tgif-v1.0.tsv", limit=1000)
    """
    if workers < 1 or (limit is not None and limit < 1):
        raise ValueError(f"workers and limit must be at least 1; got {workers} and {limit}.")
    urls = read_urls(url_list)
    places = _places(urls, split_files, limit)
    digest = hashlib.sha256("\n".join(urls).encode()).hexdigest()[:16]
    splits = str(Path(split_files).resolve()) if split_files else None
    out = claim_folder(out, {"preset": "tgif", "list": digest, "split files": splits})
    missing = [(url, out / place) for url, place in places if not (out / place).exists()]
    failed = []
    with _executor(workers) as executor:
        downloads = {executor.submit(_download, url, path): url for url, path in missing}
        for done in tqdm(
            as_completed(downloads), "Downloading", len(missing), disable=not progress
        ):
            if done.result():
                failed.append((downloads[done], done.result()))
    order = {url: index for index, url in enumerate(urls)}
    failed.sort(key=lambda pair: order[pair[0]])
    lines = "".join(f"{url}\t{reason}\n" for url, reason in failed)
    write_file(out / "failed.tsv", lambda path: path.write_text(lines, encoding="utf-8"))
    return failed


def read_urls(path: str | os.PathLike) -> list[str]:
    """Reads the URLs of a list: what stands before the first tab of each line.

    Args:
        path: the text file.

    Returns:
        The URLs in their order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line without a URL, or no line at all.

    Example:
        >>> _ = Path("list.tsv").write_text("https://host/a.gif\\ta cat sleeps\\n")
        >>> read_urls("list.tsv")
        ['https://host/a.gif']
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no list of URLs {str(path)!r}.")
    urls = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        url = line.partition("\t")[0].strip()
        if url and urllib.parse.urlsplit(url).scheme not in SCHEMES:
            raise ValueError(
                f"{path.name}, line {number}: a line must begin with a URL "
                f"({', '.join(SCHEMES)}); got {url[:80]!r}."
            )
        urls += [url] if url else []
    if not urls:
        raise ValueError(f"{str(path)!r} lists no URL.")
    return urls


def _places(
    urls: list[str], split_files: str | os.PathLike | None, limit: int | None
) -> list[tuple[str, str]]:
    """`(url, SPLIT/i.gif)` of the GIFs to fetch."""
    if split_files is None:
        split_of = {url: "test" if held_out(i) else "train" for i, url in enumerate(urls)}
    else:
        split_of = {
            url: split
            for split, name in SPLIT_FILES.items()
            for url in read_urls(Path(split_files) / name)
        }
    places, counts = [], dict.fromkeys(SPLIT_FILES, 0)
    for index, url in enumerate(urls):
        split = split_of.get(url)
        if split is None or (limit is not None and counts[split] >= limit):
            continue
        counts[split] += 1
        places.append((url, f"{split}/{index:06d}.gif"))
    if not places:
        raise ValueError(f"None of the {len(urls)} URLs is in the split files.")
    return places


def _download(url: str, path: Path) -> str | None:
    """Fetches a GIF; returns why it failed, or `None`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    request = urllib.request.Request(url, headers={"User-Agent": "keras_videogpt"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            data = response.read(MAX_BYTES + 1)
        if not data.startswith(b"GIF8") or len(data) > MAX_BYTES:
            return "is no GIF" if len(data) <= MAX_BYTES else "is larger than 64 MB"
        hidden.write_bytes(data)
        scan_video(hidden)
        os.replace(hidden, path)
    except (VideoError, OSError, ValueError, http.client.HTTPException) as error:
        hidden.unlink(missing_ok=True)
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return " ".join(str(reason).split())
    return None


@contextmanager
def _executor(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that begin nothing new once an error, or Ctrl-C, ends the block."""
    executor = ThreadPoolExecutor(workers)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
