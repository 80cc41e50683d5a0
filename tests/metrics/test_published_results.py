import pytest

from keras_videogpt.metrics.published_results import PUBLISHED, beside, published


def values(data, metric, table):
    return {
        one.setting or one.method: (one.value, one.std) for one in published(data, metric, table)
    }


def test_every_result_is_there_once():
    keys = [(one.table, one.data, one.name, one.metric, one.source) for one in PUBLISHED]
    assert len(set(keys)) == len(keys)
    rows = {table: len(published(table=table)) for table in range(1, 8)}
    assert rows == {1: 8, 2: 8, 3: 4, 4: 8, 5: 30, 6: 9, 7: 12}
    quoted = [one for one in PUBLISHED if one.table is None]
    assert len(quoted) == 10 and all("quoted" in one.source for one in quoted)


@pytest.mark.parametrize(
    ("table", "data", "metric", "name", "expected"),
    [
        (1, "bair", "FVD", "VideoGPT", (103.3, None)),
        (1, "bair", "FVD", "Video Transformer", (94, 2)),
        (1, "bair", "FVD*", "VideoGPT", (94, None)),
        (2, "ucf101", "IS", "unconditional, 128x128", (24.69, 0.3)),
        (2, "ucf101", "IS", "DVD-GAN", (32.97, 1.7)),
        (3, "bair", "NMSE", "attention", (0.0033, None)),
        (3, "bair", "R-FVD", "no attention", (15.3, None)),
        (4, "bair", "FVD", "8 layers", (103.3, 2.2)),
        (4, "bair", "bits/dim", "2 layers", (2.84, None)),
        (5, "bair", "R-FVD", "latents 16x32x32", (10.1, None)),
        (5, "bair", "FVD", "latents 1x64x64", (126.7, 3.1)),
        (5, "bair", "FVD*", "latents 16x8x8", (81.6, 2.2)),
        (6, "bair", "bits/dim", "4096 codes", (2.6, None)),
        (7, "bair", "FVD", "latents 8x16x16x4", (131.4, 2.9)),
    ],
)
def test_tables_hold_what_the_paper_prints(table, data, metric, name, expected):
    assert values(data, metric, table)[name] == expected


def test_the_same_model_has_the_same_figures_in_every_table():
    rows = [(4, "16 layers"), (5, "latents 8x32x32"), (6, "1024 codes"), (7, "latents 8x32x32x1")]
    assert {values("bair", "FVD", table)[name] for table, name in rows} == {(103.6, 2.0)}
    assert {
        values("bair", "R-FVD", table)[name] for table, name in [(3, "attention"), *rows[1:]]
    } == {(14.9, None)}
    bits = [(4, "16 layers"), *rows[2:]]
    assert {values("bair", "bits/dim", table)[name] for table, name in bits} == {(2.05, None)}


def lines(text):
    return text.partition("\n\n")[0].splitlines()


def test_a_run_has_its_place_where_lower_is_better():
    found = lines(beside(104.2, "bair", "FVD", name="mine", table=4))
    names = ["8 layers", "16 layers", "mine", "4 layers", "2 layers"]
    assert all(name in line for name, line in zip(names, found, strict=True))
    assert [line.startswith(">") for line in found] == [False, False, True, False, False]


def test_a_run_has_its_place_where_higher_is_better():
    found = lines(beside(25, "ucf101", "IS"))
    figures = [float(line[1:].split()[0]) for line in found]
    assert figures == sorted(figures, reverse=True) and len(figures) == 9
    assert found[2].startswith("> 25 ") and "VideoGPT" in found[3]


@pytest.mark.parametrize(("value", "place"), [(1, 0), (1000, -1)])
def test_the_best_is_first_and_the_worst_is_last(value, place):
    assert lines(beside(value, "bair", "FVD"))[place].startswith(">")


def test_methods_are_compared_with_those_quoted_elsewhere_and_say_so():
    text = beside(100, "bair", "FVD")
    assert len(lines(text)) == 7 + 10 + 1
    assert sum(line.endswith("quoted") for line in lines(text)) == 10
    assert "256 samples against 256 test clips" in text
    assert "prior of 8 layers" in text and "Quoted: from other papers' tables" in text
    assert "Quoted" not in beside(100, "bair", "FVD", table=4)


@pytest.mark.parametrize("metric", sorted({one.metric for one in PUBLISHED}))
def test_each_metric_says_how_it_was_measured(metric):
    data = published(metric=metric)[0].data
    assert "\n\nThe published: " in beside(1, data, metric)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: published(data="kinetics"), r"data must be one of \['bair', 'ucf101'\]"),
        (lambda: published(metric="PSNR"), "metric must be one of .*'R-FVD'.*; got 'PSNR'"),
        (lambda: published(table=9), r"table must be one of \[1, 2, 3, 4, 5, 6, 7\]; got 9"),
        (lambda: beside(1, "ucf101", "FVD"), "'FVD' is not published on ucf101"),
        (lambda: beside(1, "bair", "FVD", table=2), "'FVD' is not published on bair in table 2"),
        (lambda: beside(float("nan"), "bair", "FVD"), "result_value must be finite; got nan"),
    ],
)
def test_what_nothing_is_published_of_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
