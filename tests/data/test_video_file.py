import av
import numpy as np
import pytest

from keras_videogpt.data import VideoError, read_video, write_gif, write_mkv_lossless, write_mp4
from keras_videogpt.data.video_file import count_frames, scan_video


def encode(path, video, codec, pixels, **options):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = *video.shape[1:3], pixels
        stream.options = options
        for frame in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def random_requests(frames, seed=0, number=12):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        start, stride = int(rng.integers(frames)), int(rng.integers(1, 5))
        yield start, int(rng.integers(1, (frames - start - 1) // stride + 2)), stride


@pytest.mark.parametrize("extension", ["mkv", "avi", "mp4", "mov"])
def test_frames_of_a_lossless_file_are_those_written(tmp_path, clip, extension):
    path, video = tmp_path / f"a.{extension}", clip(120)
    if extension in ("mkv", "avi"):
        write_mkv_lossless(path, video)
    else:
        write_mp4(path, video, lossless=True)
    info = scan_video(path)
    assert count_frames(path) == (120, 24, 32)
    for start, count, stride in random_requests(120):
        wanted = video[start::stride][:count]
        np.testing.assert_array_equal(read_video(path, start, count, stride), wanted)
        np.testing.assert_array_equal(read_video(path, start, count, stride, info), wanted)
    np.testing.assert_array_equal(read_video(path, 90, info=info), video[90:])


@pytest.mark.parametrize(
    "name, codec, options",
    [
        ("a.mp4", "libx264", {"g": "20", "bf": "3", "x264-params": "open-gop=1"}),
        ("a.avi", "mpeg4", {"g": "12"}),
        ("a.webm", "libvpx-vp9", {"g": "20", "deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_a_jump_to_a_key_frame_gives_the_frames_of_decoding_from_the_start(
    tmp_path, clip, name, codec, options
):
    path = tmp_path / name
    encode(path, clip(120), codec, "yuv420p", **options)
    info, whole = scan_video(path), read_video(path)
    assert len(whole) == info.frames == 120
    for start, count, stride in random_requests(120, seed=1):
        clip_read = read_video(path, start, count, stride, info)
        np.testing.assert_array_equal(clip_read, whole[start::stride][:count])


def test_gif_frames_far_in_equal_those_decoded_from_the_start(tmp_path, clip):
    path = tmp_path / "a.gif"
    write_gif(path, clip(80))
    info, whole = scan_video(path), read_video(path)
    assert info.frames == 80
    np.testing.assert_array_equal(read_video(path, 70, 5, 2, info), whole[70:79:2])


def test_frames_beyond_the_end_are_refused(tmp_path, clip):
    write_mkv_lossless(tmp_path / "a.mkv", clip(10))
    with pytest.raises(ValueError, match="it has 10 frames"):
        read_video(tmp_path / "a.mkv", start=5, count=6)


def test_unreadable_files_give_short_reasons(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    with pytest.raises(VideoError, match="has zero bytes"):
        scan_video(tmp_path / "empty.mp4")
    with pytest.raises(VideoError, match="does not decode"):
        scan_video(tmp_path / "text.mp4")
    with pytest.raises(FileNotFoundError, match="missing.mp4"):
        read_video(tmp_path / "missing.mp4")


def test_frames_before_the_cut_of_a_truncated_file_are_read(tmp_path, clip):
    path, video = tmp_path / "a.mkv", clip(60)
    write_mkv_lossless(path, video)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = scan_video(path)
    assert 10 < info.frames < 50
    whole = info.frames - 1  # the frame at the cut may be damaged
    np.testing.assert_array_equal(read_video(path, 0, whole, 1, info), video[:whole])
