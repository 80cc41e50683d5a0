import pytest

from keras_videogpt.data import VideoFolder, open_videos, write_mkv_lossless
from keras_videogpt.data.ucf101 import link_ucf101, read_split_files

TRAIN = [
    "Archery/v_Archery_g08_c01.avi",
    "Archery/v_Archery_g09_c01.avi",
    "Biking/v_Biking_g08_c01.avi",
]
TEST = ["Biking/v_Biking_g01_c01.avi"]


@pytest.fixture
def videos(tmp_path, clip):
    for seed, name in enumerate([*TRAIN, *TEST]):
        path = tmp_path / "UCF-101" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mkv_lossless(path, clip(4, seed=seed))
    return tmp_path / "UCF-101"


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "ucfTrainTestlist"
    folder.mkdir()
    (folder / "classInd.txt").write_text("1 Archery\r\n2 Biking\r\n")
    lines = [f"{name} {1 + name.startswith('Biking')}\n" for name in TRAIN]
    (folder / "trainlist01.txt").write_text("".join(lines))
    (folder / "testlist01.txt").write_text("\n".join(TEST) + "\n\n")
    return folder


def test_the_official_split_is_laid_out_as_links(tmp_path, videos, lists, clip):
    out = tmp_path / "out"
    assert link_ucf101(out, videos, lists, progress=False) == []
    train, test = VideoFolder(out, "train"), open_videos(out, "test")
    assert [train.name(i) for i in range(3)] == [f"train/{name}" for name in TRAIN]
    assert [train.label(i) for i in range(3)] == [0, 0, 1]
    assert [test.name(0), test.label(0)] == [f"test/{TEST[0]}", 1]
    assert train.class_names == test.class_names == ("Archery", "Biking")
    assert (train.frames(2) == clip(4, seed=2)).all()
    assert (out / "train" / TRAIN[0]).is_symlink()


def test_missing_videos_are_named_and_linked_when_they_are_there(tmp_path, videos, lists):
    out = tmp_path / "out"
    away = (videos / TRAIN[1]).rename(tmp_path / "away.avi")
    assert link_ucf101(out, videos, lists, progress=False) == [TRAIN[1]]
    assert len(VideoFolder(out, "train")) == 2
    away.rename(videos / TRAIN[1])
    assert link_ucf101(out, videos, lists, progress=False) == []
    assert len(VideoFolder(out, "train")) == 3


def test_a_limit_takes_the_first_videos_of_each_split(tmp_path, videos, lists):
    link_ucf101(tmp_path / "out", videos, lists, limit=2, progress=False)
    linked = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.avi")}
    assert linked == {f"train/{name}" for name in TRAIN[:2]} | {f"test/{TEST[0]}"}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "trainlist01.txt",
            "Cooking/v.avi 3\n",
            "line 1: 'Cooking/v.avi' is no video .* 2 classes",
        ),
        ("trainlist01.txt", "\nArchery/v.avi 3\n", "line 2: Archery has the label 1 .* got 3"),
        ("testlist01.txt", "v_Archery_g01_c01.avi\n", "is no video CLASS/x.avi"),
        ("testlist01.txt", TRAIN[0], "1 videos are in both lists"),
        ("testlist01.txt", "\n", "is empty"),
        ("classInd.txt", "Archery 1\n", "LABEL CLASS; got 'Archery 1'"),
    ],
)
def test_wrong_split_files_are_refused(lists, file, text, words):
    (lists / file).write_text(text)
    with pytest.raises(ValueError, match=words):
        read_split_files(lists)


def test_missing_files_are_named(tmp_path, videos, lists):
    with pytest.raises(FileNotFoundError, match="trainlist02.txt"):
        read_split_files(lists, 2)
    with pytest.raises(ValueError, match="1, 2 or 3; got 4"):
        read_split_files(lists, 4)
    with pytest.raises(FileNotFoundError, match="no folder of UCF-101"):
        link_ucf101(tmp_path / "out", tmp_path / "nowhere", lists)
    with pytest.raises(FileNotFoundError, match="none of the 4 videos"):
        link_ucf101(tmp_path / "out", lists, lists)
    assert not (tmp_path / "out").exists()


def test_another_split_needs_another_folder(tmp_path, videos, lists):
    link_ucf101(tmp_path / "out", videos, lists, progress=False)
    for name in ("trainlist", "testlist"):
        (lists / f"{name}01.txt").rename(lists / f"{name}02.txt")
    with pytest.raises(FileExistsError, match="split number=1 there"):
        link_ucf101(tmp_path / "out", videos, lists, number=2, progress=False)
