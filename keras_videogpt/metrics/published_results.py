"""The results of the paper (arXiv 2104.10157, tables 1 to 7), to set a run's own beside."""

import math
from typing import Any

from keras_videogpt.metrics.published_tables import PUBLISHED, Published

HIGHER_IS_BETTER = ("IS",)

# How the published results were measured.
MEASURED = {
    "FVD": "16 frames at 64x64, the first one given. Those of VideoGPT by the paper's code: 256 "
    "samples against 256 test clips, 10 times where there is +- (protocol videogpt-paper). Those "
    "of others as their papers report them.",
    "FVD*": "as FVD, against reconstructions of the test clips in place of the clips.",
    "R-FVD": "reconstructions against their originals, 256 test clips of 16 frames at 64x64.",
    "NMSE": "squared error of reconstructions, divided by the variance of the data.",
    "bits/dim": "the prior's, per latent code, as printed. Both code bases report nats, which "
    "these may be.",
    "IS": "C3D by the code of pfnet-research/tgan2, whose script takes 2,048 samples of 16 frames, "
    "10 times. Those of others as their papers report them.",
}


def published(
    data: str | None = None, metric: str | None = None, table: int | None = None
) -> tuple[Published, ...]:
    """Published results, in the order of the paper's tables.

    Args:
        data: `"bair"` or `"ucf101"`; `None` for both.
        metric: `"FVD"`, `"FVD*"`, `"R-FVD"`, `"NMSE"`, `"bits/dim"` or `"IS"`; `None` for all.
        table: 1 to 7; `None` for all, and for those that other papers quote.

    Returns:
        Those that fit all three.

    Raises:
        ValueError: there is none of this name or number.

    Example:
        >>> [(one.setting, one.value) for one in published("bair", "bits/dim", table=6)]
        [('256 codes', 1.55), ('1024 codes', 2.05), ('4096 codes', 2.6)]
    """
    wanted = {"data": data, "metric": metric, "table": table}
    found = PUBLISHED
    for name, value in wanted.items():
        if value is None:
            continue
        accepted = dict.fromkeys(getattr(one, name) for one in PUBLISHED)
        if value not in accepted:
            known = [one for one in accepted if one is not None]
            raise ValueError(f"{name} must be one of {known}; got {value!r}.")
        found = tuple(one for one in found if getattr(one, name) == value)
    return found


def beside(
    result_value: float, data: str, metric: str, name: str = "this run", table: int | None = None
) -> str:
    """A result among the published ones, as a text table from best to worst.

    Args:
        result_value: the run's own, or what `float` makes one of.
        data: `"bair"` or `"ucf101"`.
        metric: as in `published`.
        name: how the run is called.
        table: the paper's table to compare with; `None` for the first that compares at least two,
            together with what other papers quote.

    Returns:
        A line per result, then how the published ones were measured, and notes.

    Raises:
        ValueError: the result is not finite, or nothing is published of this metric on this data.

    Example:
        >>> print(beside(104.2, "bair", "FVD", table=4).partition(chr(10) * 2)[0])
          103.3 +- 2.2  VideoGPT, 8 layers   table 4
          103.6 +- 2.0  VideoGPT, 16 layers  table 4
        > 104.2         this run
          110.0 +- 2.4  VideoGPT, 4 layers   table 4
          120.4 +- 6.0  VideoGPT, 2 layers   table 4
    """
    value = float(result_value)
    if not math.isfinite(value):
        raise ValueError(f"result_value must be finite; got {value}.")
    found = published(data, metric, table)
    if not found:
        where = "" if table is None else f" in table {table}"
        raise ValueError(f"metric {metric!r} is not published on {data}{where}.")
    if table is None:
        found = _first_comparison(found)
    rows: list[tuple[Any, ...]] = [
        (one.value, " ", one.figure, one.name, _place(one)) for one in found
    ]
    rows.append((value, ">", f"{value:.4g}", name, ""))
    rows.sort(key=lambda row: row[0], reverse=metric in HIGHER_IS_BETTER)
    widths = [max(len(row[column]) for row in rows) for column in (2, 3)]
    lines = [
        f"{mark} {figure:<{widths[0]}}  {who:<{widths[1]}}  {place}".rstrip()
        for _, mark, figure, who, place in rows
    ]
    notes = dict.fromkeys(one.note for one in found if one.note)
    if any(one.table is None for one in found):
        notes["Quoted: from other papers' tables, not checked."] = None
    return "\n".join([*lines, "", f"The published: {MEASURED[metric]}", *notes])


def _first_comparison(found):
    for table in dict.fromkeys(one.table for one in found):
        if table is not None and sum(one.table == table for one in found) > 1:
            return [one for one in found if one.table in (table, None)]
    return found


def _place(one):
    return "quoted" if one.table is None else f"table {one.table}"
