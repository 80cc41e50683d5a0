import pytest

from keras_videogpt.data import VideoFolder, gif_list, write_gif
from keras_videogpt.data.gif_list import download_gifs, read_urls


@pytest.fixture
def gifs(tmp_path, clip):
    """Eleven GIFs, and a list of their URLs with captions."""
    folder = tmp_path / "host"
    folder.mkdir()
    paths = [folder / f"{i}.gif" for i in range(11)]
    for i, path in enumerate(paths):
        write_gif(path, clip(3 + i))
    urls = [path.as_uri() for path in paths]
    (tmp_path / "list.tsv").write_text("".join(f"{url}\ta cat sleeps\n" for url in urls))
    return tmp_path / "list.tsv", urls


def written(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.gif"))


def test_every_tenth_gif_is_for_testing(tmp_path, gifs):
    out = tmp_path / "out"
    assert download_gifs(out, gifs[0], progress=False) == []
    train, test = VideoFolder(out, "train"), VideoFolder(out, "test")
    assert len(train) == 10 and [test.name(0)] == ["test/000009.gif"]
    assert [train.num_frames(i) for i in range(3)] == [3, 4, 5]
    assert (out / "failed.tsv").read_text() == ""


def test_split_files_say_what_goes_where(tmp_path, gifs):
    _, urls = gifs
    for name, part in (("train", urls[:3]), ("val", urls[5:7]), ("test", urls[8:])):
        (tmp_path / f"{name}.txt").write_text("\n".join(part))
    download_gifs(tmp_path / "out", gifs[0], tmp_path, limit=2, progress=False)
    numbers = {"train": (0, 1), "valid": (5, 6), "test": (8, 9)}
    expected = [f"{split}/{i:06d}.gif" for split, pair in numbers.items() for i in pair]
    assert written(tmp_path / "out") == sorted(expected)
    store = VideoFolder(tmp_path / "out", "valid")
    assert [store.num_frames(i) for i in range(2)] == [8, 9]
    (tmp_path / "val.txt").unlink()
    with pytest.raises(FileNotFoundError, match="val.txt"):
        download_gifs(tmp_path / "out", gifs[0], tmp_path)


def test_what_fails_is_reported_and_tried_again(tmp_path, gifs, monkeypatch):
    host, out = tmp_path / "host", tmp_path / "out"
    good = {i: (host / f"{i}.gif").read_bytes() for i in (2, 4, 6)}
    (host / "2.gif").unlink()
    (host / "4.gif").write_text("<html>gone</html>")
    (host / "6.gif").write_bytes(good[6][:12])
    failed = download_gifs(out, gifs[0], progress=False)
    assert [url for url, _ in failed] == [gifs[1][i] for i in (2, 4, 6)]
    assert "No such file" in failed[0][1] and failed[1][1] == "is no GIF"
    assert len(written(out)) == 8 and len(list(out.rglob("*.gif"))) == 8
    lines = (out / "failed.tsv").read_text().splitlines()
    assert [tuple(line.split("\t")) for line in lines] == failed
    for i, data in good.items():
        (host / f"{i}.gif").write_bytes(data)
    fetched, download = [], gif_list._download
    monkeypatch.setattr(
        gif_list, "_download", lambda url, path: fetched.append(url) or download(url, path)
    )
    assert download_gifs(out, gifs[0], progress=False) == []
    assert sorted(fetched) == [gifs[1][i] for i in (2, 4, 6)] and len(written(out)) == 11


def test_wrong_lists_are_refused(tmp_path, gifs):
    path = tmp_path / "wrong.tsv"
    for text, words in {
        "https://host/a.gif\tcat\ncat\t3\n": "line 2: .* got 'cat'",
        "ftp://host/a.gif": "line 1",
        "\n\n": "lists no URL",
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            read_urls(path)
    with pytest.raises(FileNotFoundError, match="nowhere.tsv"):
        download_gifs(tmp_path / "out", tmp_path / "nowhere.tsv")
    assert not (tmp_path / "out").exists()


def test_another_list_needs_another_folder(tmp_path, gifs):
    download_gifs(tmp_path / "out", gifs[0], limit=1, progress=False)
    gifs[0].write_text(gifs[1][3])
    with pytest.raises(FileExistsError, match="list="):
        download_gifs(tmp_path / "out", gifs[0], progress=False)
