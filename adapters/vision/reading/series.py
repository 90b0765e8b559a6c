"""Bars in several series, side by side or stacked: a table of categories under the names of the legend.

Series are told apart by the legend's colours. A number counts where it is printed in or at its bar; what a bar measures
against the others confirms it. Where a category, a series or a number is not certain, nothing is given.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from adapters.vision.layout.notation import Notation
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.axes import Mark, mark_of
from adapters.vision.reading.legends import SAME_COLOUR, Colour, same, swatches
from adapters.vision.reading.models import Pixels
from schemas.documents import Cell, Column, Table

_MOST_SERIES = 8
_MOST_BARS = 120
_FITS = 0.05
_DOUBT = 0.55


@dataclass(frozen=True, slots=True)
class _Bar:
    """A filled rectangle in the frame in which bars stand upright, and the series whose colour it has."""

    x0: float
    y0: float
    x1: float
    y1: float
    series: int

    @property
    def cx(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def length(self) -> float:
        return self.y1 - self.y0


def series_of(page: Page, image: Pixels, notation: Notation) -> Table | None:
    """The bars of a chart with a legend as a table, every bar's number in it; None where that is not certain."""
    if not 6 <= len(page.runs) <= 150:
        return None
    legend = _legend(page, image)
    if not 2 <= len(legend) <= _MOST_SERIES:
        return None
    for turned in (False, True):
        frame = np.ascontiguousarray(np.rot90(image)) if turned else image
        marks = [mark_of(run, image.shape[1], notation, turned=turned) for run in page.runs]
        keys = [mark for mark in marks if any(mark.run is name for name, _ in legend)]
        bars = _bars(frame, [colour for _, colour in legend], keys)
        rest = [mark for mark in marks if mark not in keys]
        if bars and (table := _table([name for name, _ in legend], bars, rest, _title(page))) is not None:
            return table
    return None


def _legend(page: Page, image: Pixels) -> list[tuple[Run, Colour]]:
    """Names in one row or one column whose swatches differ in colour."""
    found = swatches([run for run in page.runs if len(run.text) <= 40], image)
    best: list[tuple[Run, Colour]] = []
    for name, _ in found:
        row = [each for each in found if abs(each[0].cy - name.cy) < 0.5 * name.height]
        column = [each for each in found if abs(each[0].x0 - name.x0) < 0.6 * name.height]
        best = max([best, *filter(_all_differ, (row, column))], key=len)
    return sorted(best, key=lambda each: (round(each[0].cy / (2 * each[0].height)), each[0].x0))


def _all_differ(legend: Sequence[tuple[Run, Colour]]) -> bool:
    differ = all(not same(a[1], b[1]) for a, b in itertools.combinations(legend, 2))
    return differ and len({name.text for name, _ in legend}) == len(legend)


def _bars(image: Pixels, colours: Sequence[Colour], keys: Sequence[Mark]) -> list[_Bar]:
    """Rectangles in the legend's colours, the swatches themselves left out."""
    height, width = image.shape[:2]
    found: list[_Bar] = []
    for series, colour in enumerate(colours):
        close = (np.abs(image.astype(np.int16) - colour).max(axis=2) < SAME_COLOUR).astype(np.uint8)
        close = cv2.morphologyEx(close, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        contours, _ = cv2.findContours(close, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours[:500]:
            x, y, w, h = cv2.boundingRect(contour)
            filled = cv2.contourArea(contour) > 0.86 * (w - 1) * (h - 1)
            if w < 8 or h < 3 or w > 0.5 * width or h > 0.97 * height or not filled:
                continue
            if not any(_is_swatch(x, y, w, h, key) for key in keys):
                found.append(_Bar(x, y, x + w, y + h, series))
    if not found or len(found) > _MOST_BARS:
        return []
    wide = float(np.median([bar.x1 - bar.x0 for bar in found]))
    return [] if any(abs(bar.x1 - bar.x0 - wide) > max(3, 0.15 * wide) for bar in found) else found


def _is_swatch(x: float, y: float, w: float, h: float, key: Mark) -> bool:
    size = 2.5 * key.run.height
    return w < size and h < size and np.hypot(x + w / 2 - key.cx, y + h / 2 - key.cy) < size + key.run.width / 2


def _title(page: Page) -> str:
    """The topmost line, where it is one of words: what the numbers are."""
    top = min(page.runs, key=lambda run: run.y0)
    return top.text if sum(char.isalpha() for char in top.text) > 5 and len(top.text) < 80 else "Chart"


def _table(names: Sequence[Run], bars: Sequence[_Bar], marks: Sequence[Mark], title: str) -> Table | None:
    base = max(bar.y1 for bar in bars)
    categories = _categories(bars, marks, base)
    values = _values(bars, [mark for mark in marks if mark not in categories])
    if len(categories) < 2 or values is None or _unclaimed(bars, marks, [mark for _, mark in values]):
        return None
    ratios = [float(mark.number.value) / bar.length for bar, mark in values if mark.number is not None]
    typical = float(np.median(ratios))
    cells: dict[tuple[int, int], Cell] = {}
    for bar, mark in values:
        nearest = min(range(len(categories)), key=lambda at: abs(categories[at].cx - bar.cx))
        number = mark.number
        if number is None or (nearest, bar.series) in cells:
            return None
        fits = abs(typical * bar.length - float(number.value)) <= abs(typical) * max(4.0, _FITS * bar.length)
        sure = min(mark.run.confidence, mark.run.weakest, categories[nearest].run.confidence) * number.doubt
        cells[nearest, bar.series] = Cell(
            text=mark.run.text,
            value=number.value,
            confidence=round(sure * (1.0 if fits else _DOUBT), 3),
            box=mark.run.box,
        )
    if len(cells) != len(categories) * len(names):
        return None
    units = {mark.number.unit for _, mark in values if mark.number is not None}
    unit = units.pop() if len(units) == 1 else None
    kind = "percent" if unit == "%" else "number"
    return Table(
        name=title,
        columns=(
            Column(name="Category", kind="text"),
            *(Column(name=name.text, kind=kind, unit=unit) for name in names),
        ),
        rows=tuple(
            (
                Cell(
                    text=categories[at].run.text, confidence=categories[at].run.confidence, box=categories[at].run.box
                ),
                *(cells[at, series] for series in range(len(names))),
            )
            for at in range(len(categories))
        ),
        confidence=round(sum(cell.confidence for cell in cells.values()) / len(cells), 3),
    )


def _categories(bars: Sequence[_Bar], marks: Sequence[Mark], base: float) -> list[Mark]:
    """The texts right under the bars, on one level, each with a bar above it or bars on both its sides."""
    low, high = min(bar.x0 for bar in bars), max(bar.x1 for bar in bars)
    under = [
        mark
        for mark in marks
        if low - 4 < mark.cx < high + 4 and -0.35 * mark.run.height < mark.y0 - base < 4 * mark.run.height
    ]
    if not under:
        return []
    level = min(mark.y0 for mark in under)
    return sorted((mark for mark in under if mark.y0 - level < 0.8 * mark.run.height), key=lambda mark: mark.cx)


def _unclaimed(bars: Sequence[_Bar], marks: Sequence[Mark], taken: Sequence[Mark]) -> bool:
    """Whether numbers among the bars belong to none of them: a series that the legend did not give, and not the sums on
    top of stacked bars."""
    low, high, base = min(bar.x0 for bar in bars), max(bar.x1 for bar in bars), max(bar.y1 for bar in bars)
    return any(
        mark.number is not None
        and mark not in taken
        and low < mark.cx < high
        and mark.y1 < base
        and not any(bar.x0 < mark.cx < bar.x1 for bar in bars)
        for mark in marks
    )


def _values(bars: Sequence[_Bar], marks: Sequence[Mark]) -> list[tuple[_Bar, Mark]] | None:
    """Every bar with the one number in it, or else right beyond its end; None unless all differ."""
    numbers = [mark for mark in marks if mark.number is not None]
    found: list[tuple[_Bar, Mark]] = []
    for bar in bars:
        inside = [mark for mark in numbers if bar.x0 - 4 <= mark.cx <= bar.x1 + 4 and bar.y0 < mark.cy < bar.y1]
        beyond = [
            mark
            for mark in numbers
            if abs(mark.cx - bar.cx) < 0.6 * max(bar.x1 - bar.x0, mark.x1 - mark.x0)
            and -1.2 * mark.run.height < mark.y1 - bar.y0 < 0.5 * mark.run.height
        ]
        near = inside or beyond
        if len({mark.number.value for mark in near if mark.number is not None}) != 1:
            return None
        found.append((bar, max(near, key=lambda mark: mark.run.confidence)))
    return found if len({id(mark) for _, mark in found}) == len(found) else None
