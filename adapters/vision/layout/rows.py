"""Rows: runs of text on one level, top to bottom, each from left to right."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.vision.layout.words import Run


@dataclass(frozen=True, slots=True)
class Row:
    runs: tuple[Run, ...]

    @property
    def cy(self) -> float:
        return statistics.fmean(run.cy for run in self.runs)

    @property
    def height(self) -> float:
        return statistics.median(run.height for run in self.runs)

    @property
    def text(self) -> str:
        return " ".join(run.text for run in self.runs)


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Runs grouped by level. Two runs share a row when their middles differ by less than half the lower height."""
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda r: r.cy):
        best: list[Run] | None = None
        distance = 0.0
        for row in rows[-6:]:
            middle = statistics.fmean(other.cy for other in row)
            lowest = min(run.height, min(other.height for other in row))
            apart = abs(run.cy - middle)
            if apart < 0.45 * lowest and (best is None or apart < distance):
                best, distance = row, apart
        if best is None:
            rows.append([run])
        else:
            best.append(run)
    ordered = [Row(tuple(sorted(row, key=lambda r: r.x0))) for row in rows]
    return sorted(ordered, key=lambda row: row.cy)


def text_height(runs: Sequence[Run]) -> float:
    """Typical height of a line, in pixels; 16.0 for a page without text."""
    return statistics.median(run.height for run in runs) if runs else 16.0
