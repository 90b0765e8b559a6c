"""Charts with axes from drawn bars and lines, and from the places of the words beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from adapters.vision.layout.describe import notation
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.charts import Chart, chart_of
from tests.vision.conftest import run_of

WIDTH, HEIGHT, BASE, PIXELS = 800, 500, 440, 4.0  # the axis has PIXELS for one
MONTHS = ("Jan", "Feb", "Mar", "Apr")


def centred(text: str, x: float, y: float) -> Run:
    """A run whose middle is at (x, y)."""
    run = run_of(text, 0, y - 8, height=16)
    return run_of(text, x - run.x1 / 2, y - 8, height=16)


def ticks() -> list[Run]:
    return [centred(str(value), 30, BASE - PIXELS * value) for value in range(0, 101, 20)]


def places(count: int) -> list[float]:
    return [150 + position * 560 / (count - 1) for position in range(count)]


def chart(runs: Sequence[Run], picture: Image.Image | None = None) -> Chart | None:
    page = Page(width=WIDTH, height=HEIGHT, runs=tuple(runs))
    drawn = picture or Image.new("RGB", (WIDTH, HEIGHT), "white")
    return chart_of(page, np.ascontiguousarray(np.asarray(drawn)[..., ::-1]), notation(page))


def line(values: Sequence[int], *, above: float = 14.0) -> list[Run]:
    """A line's words: ticks, months, and every value at its point."""
    at = places(len(values))
    named = [centred(month, x, BASE + 20) for month, x in zip(MONTHS, at, strict=True)]
    return [*ticks(), *named, *(centred(str(v), x, BASE - PIXELS * v - above) for v, x in zip(values, at, strict=True))]


def test_bars_are_found_when_they_cover_more_than_the_background() -> None:
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((60, 20, WIDTH - 10, BASE), fill="#e5e5e5")
    values, at = (62, 54, 81, 37), places(4)
    for value, x in zip(values, at, strict=True):
        pen.rectangle((x - 88, BASE - PIXELS * value, x + 88, BASE), fill="#4477aa")
    found = chart(line(values), picture)
    assert found is not None
    assert [(point.label, point.value) for point in found.points] == list(zip(MONTHS, values, strict=True))


def test_points_of_a_line_are_read_when_their_values_are_printed() -> None:
    found = chart(line((55, 61, 48, 83)))
    assert found is not None
    assert [(point.label, point.value) for point in found.points] == list(zip(MONTHS, (55, 61, 48, 83), strict=True))
    assert not found.measured


def test_points_are_not_given_when_the_axis_puts_a_value_elsewhere() -> None:
    runs = [*line((55, 61, 48, 83))[:-1], centred("38", places(4)[-1], BASE - PIXELS * 83 - 14)]
    assert chart(runs) == Chart()


def test_points_are_not_given_when_two_lines_print_their_values() -> None:
    second = [centred(str(v), x, BASE - PIXELS * v - 14) for v, x in zip((22, 25, 21, 30), places(4), strict=True)]
    assert chart([*line((55, 61, 48, 83)), *second]) == Chart()


def test_points_are_not_given_when_a_category_has_no_value() -> None:
    assert chart(line((55, 61, 48, 83))[:-1]) == Chart()
