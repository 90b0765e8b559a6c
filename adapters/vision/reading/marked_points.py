"""Points of a line that print their values: one number over each category, each where the axis says that it belongs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from adapters.vision.reading.axes import Axis, Mark, axis_of
from schemas.documents import Figure

_LEAST_POINTS = 3
# A value stands right above or below its point: this many heights of its text from where the axis has it, at most.
_REACH = 2.2


def marked_points(marks: Sequence[Mark]) -> tuple[Figure, ...]:
    """A data point per category; none where a category has no number or several, or where one stands elsewhere than
    the axis puts it: two lines' numbers cannot be told apart by their places."""
    axis = axis_of(marks)
    if axis is None:
        return ()
    ticks = {id(tick) for tick in axis.ticks}
    names = _categories([mark for mark in marks if id(mark) not in ticks], axis)
    if len(names) < _LEAST_POINTS:
        return ()
    apart = min(b.cx - a.cx for a, b in itertools.pairwise(names))
    level = min(name.y0 for name in names)
    values = [mark for mark in marks if mark.number is not None and id(mark) not in ticks and mark.y1 < level]
    points: list[Figure] = []
    for name in names:
        over = [value for value in values if abs(value.cx - name.cx) < 0.35 * apart]
        if len(over) != 1 or not _belongs(over[0], axis):
            return ()
        points.append(_point(name, over[0]))
    return tuple(points)


def _categories(marks: Sequence[Mark], axis: Axis) -> list[Mark]:
    """The first row of texts under the axis, from left to right."""
    foot = max(tick.cy for tick in axis.ticks)
    right = max(tick.x1 for tick in axis.ticks)
    under = [mark for mark in marks if mark.cy > foot and mark.cx > right]
    if not under:
        return []
    first = min(under, key=lambda mark: mark.cy)
    return sorted((m for m in under if abs(m.cy - first.cy) < 0.6 * first.run.height), key=lambda mark: mark.cx)


def _belongs(value: Mark, axis: Axis) -> bool:
    assert value.number is not None
    return abs(axis.place(float(value.number.value)) - value.cy) < _REACH * value.run.height


def _point(name: Mark, value: Mark) -> Figure:
    assert value.number is not None
    confidence = min(value.run.confidence, value.run.weakest, name.run.confidence) * value.number.doubt
    return Figure(
        label=name.run.text,
        value=value.number.value,
        unit=value.number.unit,
        role="data_point",
        text=value.run.text,
        confidence=round(confidence, 3),
        box=value.run.box,
    )
