"""Bars in several series, drawn with a legend: every number in its row and column, or no table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw

from adapters.vision.layout.describe import notation
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.series import series_of
from schemas.documents import Table
from tests.vision.conftest import run_of

WIDTH, HEIGHT, BASE = 760, 480, 380
NAMES = ("Oslo", "Bergen", "Tromso")
SERIES: Mapping[str, tuple[int, ...]] = {"Budget": (40, 55, 32), "Actual": (46, 50, 37)}
COLOURS = ("#9bb8d3", "#24567f", "#c2703d")


def centred(text: str, x: float, y: float) -> Run:
    run = run_of(text, 0, y - 8, height=16)
    return run_of(text, x - run.x1 / 2, y - 8, height=16)


def drawn(
    series: Mapping[str, Sequence[int]] = SERIES,
    *,
    stacked: bool = False,
    colours: Sequence[str] = COLOURS,
    printed: Mapping[tuple[str, int], str | None] | None = None,
    keys: int = 9,
) -> Table | None:
    """The table of a drawn chart; `printed` are labels that differ from what is drawn, None for none; its legend has
    the first `keys` of the series."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(image)
    runs = [centred("Sales by city", WIDTH / 2, 24)]
    for at, name in enumerate(NAMES):
        left, top = 90 + 210 * at, BASE
        for position, (key, values) in enumerate(series.items()):
            x = left if stacked else left + 64 * position
            foot = top if stacked else BASE
            top = foot - 2.5 * values[at]
            pen.rectangle((x, top, x + 60, foot - 1), fill=colours[position])
            label = (printed or {}).get((key, at), str(values[at]))
            if label is not None:
                runs.append(centred(label, x + 30, (top + foot) / 2 if stacked else top - 11))
        runs.append(centred(name, left + (30 if stacked else 62), BASE + 18))
    for position, key in enumerate(list(series)[:keys]):
        pen.rectangle((200 + 150 * position, 430, 214 + 150 * position, 444), fill=colours[position])
        runs.append(run_of(key, 220 + 150 * position, 429, height=16))
    page = Page(width=WIDTH, height=HEIGHT, runs=tuple(runs))
    return series_of(page, np.ascontiguousarray(np.asarray(image)[..., ::-1]), notation(page))


@pytest.mark.parametrize("stacked", [False, True], ids=["side by side", "stacked"])
def test_series_are_a_table_when_every_bar_prints_its_number(stacked: bool) -> None:
    table = drawn(stacked=stacked)
    assert table is not None
    assert [column.name for column in table.columns] == ["Category", "Budget", "Actual"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        [name, *(str(values[at]) for values in SERIES.values())] for at, name in enumerate(NAMES)
    ]
    assert min(cell.confidence for row in table.rows for cell in row) > 0.9
    assert table.name == "Sales by city"


def test_series_are_not_given_when_a_bar_prints_no_number() -> None:
    assert drawn(printed={("Actual", 1): None}) is None


def test_series_are_not_given_when_the_legend_has_one_colour_twice() -> None:
    assert drawn(colours=(COLOURS[0], COLOURS[0])) is None


def test_number_is_doubted_when_its_bar_has_another_length() -> None:
    table = drawn(printed={("Actual", 1): "90"})
    assert table is not None
    doubted = [cell.text for row in table.rows for cell in row[1:] if cell.confidence < 0.6]
    assert doubted == ["90"]


def test_three_series_are_told_apart_when_stacked() -> None:
    table = drawn({**SERIES, "Late": (20, 14, 26)}, stacked=True)
    assert table is not None
    assert [row[3].text for row in table.rows] == ["20", "14", "26"]


def test_series_are_not_given_when_the_legend_lacks_one_of_them() -> None:
    assert drawn({**SERIES, "Plan": (42, 53, 35)}, keys=2) is None
