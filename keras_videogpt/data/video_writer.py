"""Writing videos: MP4, lossless MKV, GIF and NPZ."""

import os
from fractions import Fraction

import numpy as np
from PIL import Image

from keras_videogpt.data.optional import optional_import
from keras_videogpt.data.video_grid import check_videos, tile_videos
from keras_videogpt.paths import as_path, write_file

WRITABLE = (".gif", ".mp4", ".npz")


def write_video(
    path: str | os.PathLike, videos: np.ndarray, fps: float = 10, overwrite: bool = False
) -> None:
    """Writes one or several videos of one size to a file, by its extension.

    In .gif and .mp4 several videos lie side by side in a grid; .npz holds them all as the array
    `videos`.

    Args:
        path: a .gif, .mp4 or .npz file, local or remote; missing folders are made.
        videos: uint8 array (n, T, H, W, 3), or (T, H, W, 3) for one.
        fps: frames a second.
        overwrite: whether a file of that name may be replaced.

    Raises:
        ValueError: another extension, or an array of another kind.
        FileExistsError: the file is there and `overwrite` is False.

    Example:

    >>> write_video("samples.gif", samples)
    """
    path, videos = as_path(path), np.asarray(videos)
    if path.suffix.lower() not in WRITABLE:
        raise ValueError(f"`path` must end in one of {WRITABLE}. Received: path={str(path)!r}")
    videos = videos[None] if videos.ndim == 4 else videos
    check_videos(videos, 5, "videos", "(n, T, H, W, 3)")
    check_free(path, overwrite)
    if path.suffix.lower() == ".npz":
        write_file(path, lambda file: write_npz(file, videos))
    elif path.suffix.lower() == ".gif":
        write_file(path, lambda file: write_gif(file, tile_videos(videos), fps))
    else:
        write_file(path, lambda file: write_mp4(file, tile_videos(videos), fps))


def write_npz(path: str | os.PathLike, videos: np.ndarray) -> None:
    """Writes videos, every value exact, as the array `videos` of an NPZ file, replacing the file.

    Args:
        path: the .npz file.
        videos: uint8 array (n, T, H, W, 3).

    Raises:
        ValueError: an array of another kind.

    Example:

    >>> write_npz("samples.npz", samples)
    """
    check_videos(videos, 5, "videos", "(n, T, H, W, 3)")
    np.savez_compressed(path, videos=videos)


def check_free(path: str | os.PathLike, overwrite: bool = False) -> None:
    """Makes sure that a file may be written.

    Args:
        path: the file.
        overwrite: whether it may be replaced.

    Raises:
        FileExistsError: it is there and `overwrite` is False.

    Example:

    >>> check_free("samples.gif")
    """
    if as_path(path).exists() and not overwrite:
        raise FileExistsError(
            f"{str(path)!r} exists; take another name, or replace it with --overwrite "
            "(overwrite=True)"
        )


def write_mp4(
    path: str | os.PathLike, video: np.ndarray, fps: float = 10, lossless: bool = False
) -> None:
    """Writes a video as H.264 MP4, replacing the file.

    Args:
        path: the file.
        video: uint8 array (T, H, W, 3). Odd sides are lengthened by one pixel, a copy of the
            last, since players need even ones.
        fps: frames a second.
        lossless: whether to keep every RGB value and the size exactly; few players show such
            files.

    Raises:
        ValueError: an array of another kind.
        ImportError: PyAV is missing.

    Example:

    >>> write_mp4("cat.mp4", np.zeros((16, 64, 64, 3), "uint8"))
    """
    check_videos(video, 4, "video", "(T, H, W, 3)")
    if lossless:
        _encode(path, video, fps, "libx264rgb", "rgb24", {"qp": "0"})
        return
    even = ((0, 0), (0, video.shape[1] % 2), (0, video.shape[2] % 2), (0, 0))
    _encode(path, np.pad(video, even, "edge"), fps, "libx264", "yuv420p", {"crf": "18"})


def write_mkv_lossless(path: str | os.PathLike, video: np.ndarray, fps: float = 10) -> None:
    """Writes a video as FFV1 in MKV, every RGB value exact, replacing the file.

    Args:
        path: the file; .avi works too.
        video: uint8 array (T, H, W, 3).
        fps: frames a second.

    Raises:
        ValueError: an array of another kind.
        ImportError: PyAV is missing.

    Example:

    >>> write_mkv_lossless("cat.mkv", np.zeros((16, 64, 64, 3), "uint8"))
    """
    check_videos(video, 4, "video", "(T, H, W, 3)")
    _encode(path, video, fps, "ffv1", "bgr0", {})


def write_gif(path: str | os.PathLike, video: np.ndarray, fps: float = 10) -> None:
    """Writes a video as a GIF that loops, replacing the file.

    All frames share one palette of 256 colours and are not dithered, so still parts stay still.
    A frame equal to the one before it lengthens that one instead of being stored.

    Args:
        path: the file.
        video: uint8 array (T, H, W, 3).
        fps: frames a second; GIFs count time in hundredths of a second.

    Raises:
        ValueError: an array of another kind.

    Example:

    >>> write_gif("cat.gif", np.zeros((16, 64, 64, 3), "uint8"))
    """
    check_videos(video, 4, "video", "(T, H, W, 3)")
    every = max(1, len(video) // 16)
    palette = Image.fromarray(np.concatenate(video[::every])).quantize(256)
    images = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in video
    ]
    images[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=max(20, round(100 / fps) * 10),
        loop=0,
    )


def _encode(
    path: str | os.PathLike, video: np.ndarray, fps: float, codec: str, pixels: str, options: dict
) -> None:
    av = optional_import("av", "video")
    # Without random identifiers, so that the same video gives the same bytes.
    with av.open(str(path), "w", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = pixels
        stream.options = options
        for frame in video:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
