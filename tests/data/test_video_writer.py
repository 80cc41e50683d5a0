import numpy as np
import pytest
from PIL import Image

from keras_videogpt.data import (
    contact_sheet,
    read_video,
    tile_videos,
    write_gif,
    write_mp4,
    write_video,
)


def test_gif_reads_back_close_loops_and_keeps_its_frames(tmp_path, clip):
    video = clip(12)
    write_gif(tmp_path / "a.gif", video, fps=10)
    back = read_video(tmp_path / "a.gif")
    assert back.shape == video.shape
    assert np.abs(back.astype(int) - video).mean() < 12
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["loop"] == 0 and image.info["duration"] == 100


def test_still_parts_of_a_gif_stay_still(tmp_path, clip):
    video = clip(12)
    video[:, :10] = clip(1)[0, :10]
    write_gif(tmp_path / "a.gif", video)
    back = read_video(tmp_path / "a.gif")
    assert (back[:, :10] == back[:1, :10]).all()


def test_mp4_of_odd_size_is_lengthened_to_even(tmp_path, clip):
    write_mp4(tmp_path / "a.mp4", clip(5, 31, 45))
    assert read_video(tmp_path / "a.mp4").shape == (5, 32, 46, 3)


def test_lossless_mp4_of_odd_size_is_exact(tmp_path, clip):
    write_mp4(tmp_path / "a.mp4", clip(5, 31, 45), lossless=True)
    np.testing.assert_array_equal(read_video(tmp_path / "a.mp4"), clip(5, 31, 45))


def test_npz_holds_every_value(tmp_path, clip):
    videos = np.stack([clip(3), clip(3, seed=1)])
    write_video(tmp_path / "new" / "a.npz", videos)
    with np.load(tmp_path / "new" / "a.npz") as file:
        np.testing.assert_array_equal(file["videos"], videos)


@pytest.mark.parametrize("name", ["a.gif", "a.mp4", "a.npz"])
def test_an_existing_file_is_replaced_on_demand_only(tmp_path, clip, name):
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="--overwrite"):
        write_video(path, clip(3))
    assert path.read_text() == "mine"
    write_video(path, clip(3), overwrite=True)
    assert path.stat().st_size > 4


def test_tiles_lie_row_by_row():
    videos = np.arange(3, dtype="uint8").repeat(2 * 4 * 4 * 3).reshape(3, 2, 4, 4, 3)
    grid = tile_videos(videos, columns=2, padding=1)
    assert grid.shape == (2, 9, 9, 3)
    assert (grid[:, 5:, :4] == 2).all() and (grid[:, :4, 5:] == 1).all()
    assert (grid[:, 4] == 255).all() and (grid[:, 5:, 5:] == 255).all()


def test_contact_sheet_has_a_row_a_video(tmp_path, clip):
    contact_sheet(np.stack([clip(5), clip(5, seed=1)]), tmp_path / "a.png")
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(sheet[26:50, 34:66], clip(5, seed=1)[1])


def test_other_files_and_arrays_are_refused(tmp_path, clip):
    with pytest.raises(ValueError, match=r"\.gif"):
        write_video(tmp_path / "a.wmv", clip(3))
    with pytest.raises(ValueError, match="float64"):
        write_mp4(tmp_path / "a.mp4", np.zeros((3, 8, 8, 3)))
