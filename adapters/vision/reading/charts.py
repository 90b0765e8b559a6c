"""Charts with axes: bars found as filled rectangles on one base line, their categories, and their values.

A value printed at its bar is taken as printed; the bars' lengths confirm it. Without printed values the length is
measured against the axis, which is said and given a lower confidence. Without bars, values printed at points of a line
count where the axis confirms them. Anything less regular yields nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import cv2
import numpy as np
import numpy.typing as npt

from adapters.vision.layout.notation import Notation
from adapters.vision.layout.words import Page, Run
from adapters.vision.reading.axes import Axis, Mark, axis_of, mark_of
from adapters.vision.reading.marked_points import marked_points
from adapters.vision.reading.models import Pixels
from schemas.documents import Figure

Colour = npt.NDArray[np.int16]

_MOST_COLOURS = 6
# Larger pictures are looked at in a smaller copy: bars are coarse, and each colour costs a pass.
_LOOKED_AT = 1_500_000
_MOST_BARS = 60
_MEASURED_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class Chart:
    """What a drawing says: data points (none when they cannot be told), and whether values were measured."""

    points: tuple[Figure, ...] = ()
    measured: bool = False


@dataclass(frozen=True, slots=True)
class _Bar:
    """In the upright frame: x0..x1 across, `end` where its value is, `base` on the base line (y grows downwards)."""

    x0: float
    x1: float
    end: float
    base: float

    @property
    def cx(self) -> float:
        return (self.x0 + self.x1) / 2


def chart_of(page: Page, image: Pixels, notation: Notation) -> Chart | None:
    """The bar chart or the axes on a page, None where there are none."""
    if not 2 <= len(page.runs) <= 150:
        return None
    axis_seen = False
    for turned in (False, True):
        frame = np.ascontiguousarray(np.rot90(image)) if turned else image
        marks = [mark_of(run, image.shape[1], notation, turned=turned) for run in page.runs]
        axis = axis_of(marks)
        axis_seen = axis_seen or axis is not None
        bars = _scaled_bars(frame) if _could_be_bars(marks) else []
        if len(bars) < 2:
            continue
        chart = _points(bars, marks, axis)
        if chart is not None:
            return chart
    if not axis_seen:
        return None
    return Chart(marked_points([mark_of(run, image.shape[1], notation, turned=False) for run in page.runs]))


def _could_be_bars(marks: Sequence[Mark]) -> bool:
    """A chart has a few numbers and is not full of text."""
    return sum(mark.number is not None for mark in marks) >= 2 and sum(len(mark.run.text) for mark in marks) < 900


def _scaled_bars(image: Pixels) -> list[_Bar]:
    scale = (_LOOKED_AT / (image.shape[0] * image.shape[1])) ** 0.5
    if scale >= 1:
        return _bars(image)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return [
        _Bar(bar.x0 / scale, bar.x1 / scale, bar.end / scale, bar.base / scale)
        for bar in _bars(np.asarray(small, dtype=np.uint8))
    ]


def _bars(image: Pixels) -> list[_Bar]:
    """Filled rectangles of one width that stand on one base line. Empty when they are not that regular."""
    height, width = image.shape[:2]
    found: list[tuple[int, int, int, int]] = []
    for colour in _fills(image):
        close = (np.abs(image.astype(np.int16) - colour).max(axis=2) < 28).astype(np.uint8)
        # Text and grid lines on the bars leave holes; text and grid lines beside them are thin.
        close = cv2.morphologyEx(close, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        contours, _ = cv2.findContours(close, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours[:2000]:
            x, y, w, h = cv2.boundingRect(contour)
            if w < 5 or h < 3 or w > 0.6 * width or h > 0.97 * height:
                continue
            if cv2.contourArea(contour) > 0.86 * (w - 1) * (h - 1):
                found.append((x, y, w, h))
    if not found:
        return []
    groups: list[list[tuple[int, int, int, int]]] = []
    for box in sorted(found, key=lambda b: -b[2] * b[3]):
        for group in groups:
            x, y, w, h = group[0]
            if abs((box[1] + box[3]) - (y + h)) <= max(2.5, 0.006 * height) and abs(box[2] - w) <= max(3, 0.12 * w):
                group.append(box)
                break
        else:
            groups.append([box])
    best = max(groups, key=len)
    if not 2 <= len(best) <= _MOST_BARS:
        return []
    lengths = [h for _, _, _, h in best]
    if len({length // 2 for length in lengths}) == 1 and len(best) > 2:
        # All of one size: buttons, boxes, a legend.
        return []
    bars = sorted((_Bar(x, x + w, y, y + h) for x, y, w, h in best), key=lambda bar: bar.x0)
    overlapping = any(a.x1 > b.x0 + 2 for a, b in itertools.pairwise(bars))
    stacked = sum(
        1
        for x, y, w, h in found
        for bar in bars
        if abs(x - bar.x0) < 3 and abs(w - (bar.x1 - bar.x0)) < 4 and abs(y + h - bar.end) < 4
    )
    return [] if overlapping or stacked else bars


def _fills(image: Pixels) -> list[Colour]:
    """The commonest colours that are not the background's, which is the edge's: wide bars cover more than it does."""
    step = max(1, max(image.shape[:2]) // 400)
    thin = image[::step, ::step]
    small = thin.reshape(-1, 3)
    coarse = (thin // 12).astype(np.int32)
    codes = coarse[:, :, 0] * 1024 + coarse[:, :, 1] * 32 + coarse[:, :, 2]
    known, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    edge = np.concatenate([codes[0], codes[-1], codes[:, 0], codes[:, -1]])
    commonest = np.bincount(np.searchsorted(known, edge), minlength=len(known)).argmax()
    background = np.median(small[inverse == commonest], axis=0).astype(np.int16)
    order = np.argsort(counts)[::-1]
    fills: list[Colour] = []
    for index in order[:40]:
        if counts[index] < 0.004 * len(small) or len(fills) >= _MOST_COLOURS:
            break
        colour = np.median(small[inverse == index], axis=0).astype(np.int16)
        if all(np.abs(colour - other).max() >= 28 for other in (background, *fills)):
            fills.append(colour)
    return fills


def _points(bars: Sequence[_Bar], marks: Sequence[Mark], axis: Axis | None) -> Chart | None:
    base = float(np.median([bar.base for bar in bars]))
    ticks = {id(tick) for tick in axis.ticks} if axis is not None else set()
    names = [_category(bar, base, marks, ticks) for bar in bars]
    names = _level(names)
    if sum(name is not None for name in names) < max(2, 0.6 * len(bars)):
        return None
    printed = [_printed(bar, marks, ticks, names) for bar in bars]
    if sum(mark is not None for mark in printed) >= 0.8 * len(bars):
        return Chart(_from_print(bars, names, printed, base))
    if axis is None:
        return Chart()
    if not _starts_ataxis_of(axis, base):
        return Chart()
    return Chart(_measured(bars, names, axis), measured=True)


def _category(bar: _Bar, base: float, marks: Sequence[Mark], ticks: set[int]) -> Mark | None:
    """The text under a bar, closest to the base line."""
    reach = 0.75 * max(bar.x1 - bar.x0, 12.0)
    under = [
        mark
        for mark in marks
        if id(mark) not in ticks
        and abs(mark.cx - bar.cx) < reach
        and -0.35 * mark.run.height < mark.y0 - base < 4 * mark.run.height
    ]
    return min(
        under, key=lambda mark: (round((mark.y0 - base) / max(mark.run.height, 1)), abs(mark.cx - bar.cx)), default=None
    )


def _level(names: Sequence[Mark | None]) -> list[Mark | None]:
    """Categories stand on one level; a title of the axis below them is none, nor is one text under two bars."""
    known = [name for name in names if name is not None]
    if not known:
        return list(names)
    level = float(np.median([name.y0 for name in known]))
    uses = Counter(id(name) for name in known)
    return [
        name if name is not None and abs(name.y0 - level) < 0.6 * name.run.height and uses[id(name)] == 1 else None
        for name in names
    ]


def _printed(bar: _Bar, marks: Sequence[Mark], ticks: set[int], names: Sequence[Mark | None]) -> Mark | None:
    """The number at the end of a bar: just beyond it, or just inside."""
    taken = {id(name) for name in names}
    near = [
        mark
        for mark in marks
        if (
            mark.number is not None
            and id(mark) not in ticks
            and id(mark) not in taken
            and abs(mark.cx - bar.cx) < 0.8 * max(bar.x1 - bar.x0, 14.0)
            and -2.2 * mark.run.height < mark.cy - bar.end < 1.6 * mark.run.height
        )
        or (
            mark.number is not None
            and id(mark) not in ticks | taken
            and bar.x0 <= mark.cx <= bar.x1
            and abs(mark.y1 - bar.end) < 1.2 * mark.run.height
        )
    ]
    return min(near, key=lambda mark: abs(mark.cx - bar.cx) + abs(mark.cy - bar.end), default=None)


def _from_print(
    bars: Sequence[_Bar], names: Sequence[Mark | None], printed: Sequence[Mark | None], base: float
) -> tuple[Figure, ...]:
    """Printed values; each is doubted that does not fit the others' lengths."""
    ratios = [
        float(mark.number.value) / max(base - bar.end, 1.0)
        for bar, mark in zip(bars, printed, strict=True)
        if mark is not None and mark.number is not None
    ]
    typical = float(np.median(ratios))
    points: list[Figure] = []
    quantum = _quantum(abs(typical)) if typical else Decimal(1)
    for bar, name, mark in zip(bars, names, printed, strict=True):
        if name is None:
            continue
        if mark is None or mark.number is None:
            # Its number was not read: by its length against the others.
            value = (Decimal(str(typical * (base - bar.end))) / quantum).quantize(Decimal(1)) * quantum
            points.append(_point(name, value, f"≈ {value}", None, _MEASURED_CONFIDENCE, name.run))
            continue
        length = base - bar.end
        fits = abs(typical * length - float(mark.number.value)) <= abs(typical) * max(4.0, 0.05 * length)
        confidence = min(mark.run.confidence, mark.run.weakest, name.run.confidence) * mark.number.doubt
        points.append(
            _point(
                name, mark.number.value, mark.run.text, mark.number.unit, confidence * (1.0 if fits else 0.55), mark.run
            )
        )
    return tuple(points)


def _point(name: Mark, value: Decimal, text: str, unit: str | None, confidence: float, place: Run) -> Figure:
    return Figure(
        label=name.run.text,
        value=value,
        unit=unit,
        role="data_point",
        text=text,
        confidence=round(confidence, 3),
        box=place.box,
    )


def _starts_ataxis_of(axis: Axis, base: float) -> bool:
    """The bars stand on the axis' zero or on its lowest tick: else their lengths mean nothing."""
    lowest = max(tick.cy for tick in axis.ticks)
    step = abs(axis.ticks[0].cy - axis.ticks[1].cy)
    return abs(axis.place(0.0) - base) < 0.12 * step or abs(lowest - base) < 0.12 * step


def _measured(bars: Sequence[_Bar], names: Sequence[Mark | None], axis: Axis) -> tuple[Figure, ...]:
    """Values by length against the axis, rounded to what a pixel can tell."""
    quantum = _quantum(abs(axis.slope))
    points: list[Figure] = []
    for position, (bar, name) in enumerate(zip(bars, names, strict=True), start=1):
        value = (Decimal(str(axis.value(bar.end))) / quantum).quantize(Decimal(1)) * quantum
        unit = axis.ticks[-1].number.unit if axis.ticks[-1].number is not None else None
        points.append(
            Figure(
                label=name.run.text if name is not None else f"bar {position}",
                value=value,
                unit=unit,
                role="data_point",
                text=f"≈ {value}",
                confidence=round(_MEASURED_CONFIDENCE * (name.run.confidence if name is not None else 0.5), 3),
                box=(name or axis.ticks[0]).run.box,
            )
        )
    return tuple(points)


def _quantum(per_pixel: float) -> Decimal:
    """The least round number (1, 2 or 5 times a power of ten) that is not finer than a pixel."""
    exponent = int(np.floor(np.log10(per_pixel)))
    for factor in (1, 2, 5, 10):
        step = Decimal(factor).scaleb(exponent)
        if step >= Decimal(str(per_pixel)):
            return step
    return Decimal(1).scaleb(exponent + 1)
