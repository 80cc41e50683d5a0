"""Exact frames of one video file, decoded by PyAV."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.store import frame_slice
from keras_videogpt.paths import as_path, is_remote

KEY_FRAME_DISTANCE = 32


class VideoError(ValueError):
    """A video file that cannot be read; the message is a short reason."""


class VideoInfo(NamedTuple):
    """What decoding a video file once tells about it.

    Attributes:
        frames: number of frames that decode.
        height: height of the first frame in pixels.
        width: width of the first frame in pixels.
        key_frames: tuple of `(frame number, timestamp)` from which decoding can start; empty
            where the timestamps are missing or not in order.
    """

    frames: int
    height: int
    width: int
    key_frames: tuple[tuple[int, int], ...] = ()


def scan_video(path: str | os.PathLike) -> VideoInfo:
    """Decodes a video file once, without converting a pixel, and describes it.

    The counts in video headers are often wrong, so frames are counted by decoding. Frames before
    damage in the middle of a file count.

    Args:
        path: a file that FFmpeg can decode (avi, mp4, webm, mov, mkv, gif, ...).

    Returns:
        A `VideoInfo`.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: not one frame can be decoded.

    Example:

    >>> frames, height, width, _ = scan_video("cat.mp4")
    """
    _check_file(path)
    frames, first, key_frames, last_time, in_order = 0, None, [], None, True
    try:
        with _open(path) as container:
            for frame in container.decode(_video_stream(container)):
                first = first or frame
                in_order &= frame.pts is not None and (last_time is None or frame.pts > last_time)
                last_time = frame.pts
                far = not key_frames or frames - key_frames[-1][0] >= KEY_FRAME_DISTANCE
                if frame.key_frame and far:
                    key_frames.append((frames, frame.pts))
                frames += 1
    except _decode_errors() as error:
        if not frames:
            raise VideoError(f"does not decode: {error}") from error
    if first is None:
        raise VideoError("holds no frame that decodes")
    return VideoInfo(frames, first.height, first.width, tuple(key_frames) if in_order else ())


def count_frames(path: str | os.PathLike) -> tuple[int, int, int]:
    """Counts the frames of a video file by decoding it; see `scan_video`.

    Args:
        path: a file that FFmpeg can decode.

    Returns:
        `(frames, height, width)`.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: not one frame can be decoded.

    Example:

    >>> frames, height, width = count_frames("cat.mp4")
    """
    return scan_video(path)[:3]


def read_video(
    path: str | os.PathLike,
    start: int = 0,
    count: int | None = None,
    stride: int = 1,
    info: VideoInfo | None = None,
) -> np.ndarray:
    """Reads frames of a video file, exactly those asked for.

    Args:
        path: a file that FFmpeg can decode (avi, mp4, webm, mov, mkv, gif, ...).
        start: number of the first frame, from 0.
        count: how many frames; `None` for all that are left.
        stride: distance between two of them.
        info: the file's `scan_video`; with it, frames far into the file are reached by a jump to
            a key frame. Without it, decoding starts at the first frame.

    Returns:
        uint8 array (count, H, W, 3), RGB, all frames in the size of the first one decoded.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: not one frame can be decoded.
        ValueError: the video does not hold the frames asked for.

    Example:

    >>> clip = read_video("cat.mp4", start=30, count=16, stride=2)
    """
    _check_file(path)
    wanted = frame_slice(info.frames if info else 2**62, start, count or 1, stride, str(path))
    stop = None if count is None else wanted.stop
    size = (info.width, info.height) if info else None
    earlier = [key for key in info.key_frames if key[0] <= start] if info else []
    if info and earlier and earlier[-1][0] > 0:
        frames = _decode(path, start, stop, stride, size, *earlier[-1])
        if frames and len(frames) == len(range(start, stop or info.frames, stride)):
            return np.stack(frames)
    frames = _decode(path, start, stop, stride, size)
    if not frames or (count is not None and len(frames) < count):
        raise ValueError(
            f"{path} ends before the frames asked for. "
            f"Received: start={start}, count={count}, stride={stride}; "
            f"it has {scan_video(path).frames} frames"
        )
    return np.stack(frames)


def _decode(
    path: str | os.PathLike,
    start: int,
    stop: int | None,
    stride: int,
    size: tuple[int, int] | None,
    key_number: int = 0,
    key_time: int | None = None,
) -> list[np.ndarray]:
    """Decodes from a key frame on; fewer frames than asked for where the file breaks off."""
    from av.video.reformatter import VideoReformatter

    frames, reformatter = [], VideoReformatter()
    try:
        with _open(path) as container:
            stream = _video_stream(container)
            decoded = container.decode(stream)
            if key_time is not None:
                container.seek(key_time, stream=stream)
                decoded = _from_time(container.decode(stream), key_time)
            for number, frame in enumerate(decoded, key_number):
                size = size or (frame.width, frame.height)
                if number >= start and (number - start) % stride == 0:
                    frames.append(_to_rgb(reformatter, frame, *size))
                if stop is not None and number >= stop - 1:
                    break
    except _decode_errors() as error:
        if not frames and key_time is None:
            raise VideoError(f"{path} does not decode: {error}") from error
    return frames


def _from_time(frames: Iterator[Any], key_time: int) -> Iterator[Any]:
    """The frames from exactly `key_time` on; none where the seek went past it."""
    for frame in frames:
        if frame.pts is None or frame.pts > key_time:
            return iter(())
        if frame.pts == key_time:
            return itertools.chain([frame], frames)
    return iter(())


def _to_rgb(reformatter: Any, frame: Any, width: int, height: int) -> np.ndarray:
    # One shared reformatter on one thread is twenty times faster than frame.to_ndarray("rgb24").
    try:
        return reformatter.reformat(frame, width, height, "rgb24", threads=1).to_ndarray()
    except TypeError:  # PyAV before 17 has no `threads`
        return reformatter.reformat(frame, width, height, "rgb24").to_ndarray()


def _check_file(path: str | os.PathLike) -> None:
    path = as_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a video file. Received: path={str(path)!r}")
    if path.stat().st_size == 0:
        raise VideoError("has zero bytes")


@contextmanager
def _open(path: str | os.PathLike) -> Iterator[Any]:
    av, path = optional_import("av", "video"), as_path(path)
    if not is_remote(path):
        with av.open(str(path)) as container:
            yield container
        return
    with path.open("rb") as file, av.open(file) as container:
        yield container


def _video_stream(container: Any) -> Any:
    if not container.streams.video:
        raise VideoError("holds no video stream")
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    return stream


def _decode_errors() -> tuple[type[Exception], ...]:
    av = optional_import("av", "video")
    return (av.error.FFmpegError, av.error.InvalidDataError, EOFError)
