"""What a drawing says in words and numbers: its runs as marks, and the axis that some of them are ticks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adapters.vision.layout.notation import Notation
from adapters.vision.layout.numbers import Number
from adapters.vision.layout.words import Run

_LEAST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """A run in the frame in which bars stand upright."""

    run: Run
    number: Number | None
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def cx(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def cy(self) -> float:
        return (self.y0 + self.y1) / 2


def mark_of(run: Run, width: int, notation: Notation, *, turned: bool) -> Mark:
    number = notation.number(run.text)
    if not turned:
        return Mark(run, number, run.x0, run.y0, run.x1, run.y1)
    # A quarter turn counter-clockwise: what was right is above.
    return Mark(run, number, run.y0, width - run.x1, run.y1, width - run.x0)


@dataclass(frozen=True, slots=True)
class Axis:
    """value = slope × y + offset; `ticks` are its marks, `unit` what they carry."""

    slope: float
    offset: float
    ticks: tuple[Mark, ...]

    def value(self, y: float) -> float:
        return self.slope * y + self.offset

    def place(self, value: float) -> float:
        return (value - self.offset) / self.slope


def axis_of(marks: Sequence[Mark]) -> Axis | None:
    """Numbers one above the other in equal steps, growing upwards: at least four, not years."""
    numeric = [m for m in marks if m.number is not None]
    best: list[Mark] = []
    for anchor in numeric:
        tolerance = 0.7 * anchor.run.height
        column = sorted(
            (
                m
                for m in numeric
                if min(abs(m.x1 - anchor.x1), abs(m.cx - anchor.cx), abs(m.x0 - anchor.x0)) < tolerance
            ),
            key=lambda m: -m.cy,
        )
        for chain in _chains(column):
            if len(chain) > len(best):
                best = chain
    if len(best) < _LEAST_TICKS:
        return None
    values = [float(m.number.value) for m in best if m.number is not None]
    if all(1900 <= value <= 2100 and value == int(value) for value in values):
        return None
    slope, offset = np.polyfit([m.cy for m in best], values, 1)
    axis = Axis(float(slope), float(offset), tuple(best))
    span = max(values) - min(values)
    if any(abs(axis.value(m.cy) - value) > 0.02 * span for m, value in zip(best, values, strict=True)):
        return None
    return axis


def _chains(column: Sequence[Mark]) -> list[list[Mark]]:
    """Runs of consecutive marks whose values rise by one step, from below to above."""
    chains: list[list[Mark]] = []
    current: list[Mark] = []
    for mark in column:
        assert mark.number is not None
        if len(current) >= 2:
            first, second = current[-2].number, current[-1].number
            assert first is not None
            assert second is not None
            if mark.number.value - second.value == second.value - first.value:
                current.append(mark)
                continue
            chains.append(current)
            current = [current[-1]]
        if current:
            last = current[-1].number
            assert last is not None
            current = [*current, mark] if mark.number.value > last.value else [mark]
        else:
            current = [mark]
    chains.append(current)
    return chains
