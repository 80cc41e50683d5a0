import json

import numpy as np
import pytest

from keras_videogpt.evaluation.batch_results import BatchResults

SETTINGS = {"seed": 0, "controls": {"top_k": 5}, "shape": (2, 3)}


def test_arrays_are_put_together_in_the_order_of_clips(tmp_path):
    results = BatchResults(tmp_path / "work", SETTINGS)
    for start in (8, 0, 1000, 16):
        results.save("real", start, {"index": np.arange(start, start + 8)})
    results.save("real", 24, {"other": np.zeros(8)})
    results.save("samples", 0, {"index": -np.ones(8)})
    expected = [*range(24), *range(1000, 1008)]
    np.testing.assert_array_equal(results.array("real", "index"), expected)
    np.testing.assert_array_equal(results.array("real", "index", most=10), expected[:10])
    assert results.array("real", "nothing").size == 0
    assert results.has("real", 16) and not results.has("real", 32)
    assert not results.has("samples", 8)


def test_a_folder_goes_on_with_the_same_settings_only(tmp_path):
    with BatchResults(tmp_path / "work", SETTINGS) as results:
        results.save("real", 0, {"x": np.arange(3)})
    with BatchResults(tmp_path / "work", SETTINGS) as again:
        assert again.has("real", 0) and again.array("real", "x").tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="holds results with seed 0; got 1"):
        BatchResults(tmp_path / "work", SETTINGS | {"seed": 1})
    with pytest.raises(ValueError, match="with protocol None; got tats"):
        BatchResults(tmp_path / "work", SETTINGS | {"protocol": "tats"})
    assert json.loads((tmp_path / "work" / "settings.json").read_text())["shape"] == [2, 3]


def test_a_folder_with_something_else_or_at_work_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="other files"):
        BatchResults(tmp_path, SETTINGS)
    with BatchResults(tmp_path / "work", SETTINGS) as working:
        with pytest.raises(ValueError, match="Somebody else is at work"):
            BatchResults(tmp_path / "work", SETTINGS)
        assert not working.has("real", 0)


def test_what_was_killed_at_its_very_start_goes_on(tmp_path):
    (tmp_path / ".writing-7-settings.json").write_text("{")
    (tmp_path / "lock").touch()
    with BatchResults(tmp_path, SETTINGS) as results:
        results.save("real", 0, {"x": np.arange(3)})
    assert json.loads((tmp_path / "settings.json").read_text())["seed"] == 0
