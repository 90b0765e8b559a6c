"""Columns of a table: from a header row and the rows below it to boundaries, and rows cut along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.vision.layout.notation import Notation
from adapters.vision.layout.rows import Row
from adapters.vision.layout.words import Run, Word, part


@dataclass(frozen=True, slots=True)
class Lane:
    """The strip of the page that belongs to one column, and what its header says."""

    name: str
    x0: float
    x1: float


def lanes_of(header: Sequence[Run], body: Sequence[Row], notation: Notation) -> list[Lane]:
    """Columns under a header. Boundaries lie where the fewest body texts are crossed.

    A column without a header stands left or right of the headers where several rows have text there.
    """
    heads = _split_heads(sorted(header, key=lambda run: run.x0), body, notation)
    pieces = [piece for row in body for piece in _pieces(row, notation)]
    heads = _with_margins(heads, body)
    edges = [-1e9]
    for left, right in zip(heads, heads[1:], strict=False):
        edges.append(_boundary(left, right, pieces))
    edges.append(1e9)
    return [Lane(head.name, edges[i], edges[i + 1]) for i, head in enumerate(heads)]


def cells_of(row: Row, lanes: Sequence[Lane], notation: Notation) -> list[list[Run]]:
    """The runs of a row by column; a run across a boundary is cut between words where its parts make sense."""
    cells: list[list[Run]] = [[] for _ in lanes]
    for run in row.runs:
        for piece in _cut(run, lanes, notation):
            cells[_lane_of(piece, lanes, notation)].append(piece)
    return cells


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
    x0: float
    x1: float

    @property
    def cx(self) -> float:
        return (self.x0 + self.x1) / 2


def _pieces(row: Row, notation: Notation) -> list[tuple[float, float]]:
    """Intervals covered by a row: whole runs of text, single words where a run is numbers only."""
    intervals: list[tuple[float, float]] = []
    for run in row.runs:
        if len(run.words) > 1 and all(_numeric(word.text, notation) for word in run.words):
            intervals.extend((word.x0, word.x1) for word in run.words)
        else:
            intervals.append((run.x0, run.x1))
    return intervals


def _numeric(text: str, notation: Notation) -> bool:
    return notation.number(text) is not None or text in {"-", "–", "—"}


def _split_heads(header: Sequence[Run], body: Sequence[Row], notation: Notation) -> list[_Head]:
    """Headers; one that stands over two separate strips of numbers is cut between its words."""
    heads: list[_Head] = []
    for run in header:
        pending = [run]
        while pending:
            head = pending.pop(0)
            cut = _cut_head(head, header, body, notation)
            if cut is None:
                heads.append(_Head(head.text, head.x0, head.x1))
            else:
                pending = [*cut, *pending]
    return heads


def _cut_head(head: Run, header: Sequence[Run], body: Sequence[Row], notation: Notation) -> tuple[Run, Run] | None:
    if len(head.words) < 2:
        return None
    left_edge = max((r.x1 for r in header if r.x1 <= head.x0), default=head.x0 - 3 * head.height)
    right_edge = min((r.x0 for r in header if r.x0 >= head.x1), default=head.x1 + 3 * head.height)
    below = sorted(
        (a, b)
        for row in body
        for a, b in _pieces(row, notation)
        if a < head.x1 and b > head.x0 and a > left_edge - 0.5 * head.height and b < right_edge + 0.5 * head.height
    )
    if len(below) < 2:
        return None
    strips: list[list[float]] = [list(below[0])]
    for a, b in below[1:]:
        if a <= strips[-1][1] + 0.25 * head.height:
            strips[-1][1] = max(strips[-1][1], b)
        else:
            strips.append([a, b])
    together = max(sum(1 for a, b in _pieces(row, notation) if a < head.x1 and b > head.x0) for row in body)
    if len(strips) < 2 or together < 2:
        return None
    first, second = strips[0], strips[1]
    best: tuple[float, int] | None = None
    for index in range(1, len(head.words)):
        a, b = part(head, head.words[:index]), part(head, head.words[index:])
        cost = min(abs(a.x1 - first[1]), abs(a.x0 - first[0])) + min(abs(b.x1 - second[1]), abs(b.x0 - second[0]))
        cost += abs(a.cx - sum(first) / 2) * 0.5 + abs(b.cx - sum(second) / 2) * 0.25
        if b.text[:1].islower():
            cost += 2 * head.height
        if best is None or cost < best[0]:
            best = (cost, index)
    if best is None:
        return None
    return part(head, head.words[: best[1]]), part(head, head.words[best[1] :])


def _with_margins(heads: list[_Head], body: Sequence[Row]) -> list[_Head]:
    """Headers plus nameless ones for text that stands clear to the left or right of all of them."""
    if not heads:
        return heads
    lefts = [row.runs[0] for row in body if row.runs and row.runs[0].x1 < heads[0].x0 - 0.3 * row.height]
    rights = [row.runs[-1] for row in body if row.runs and row.runs[-1].x0 > heads[-1].x1 + 0.15 * row.height]
    if len(lefts) * 3 >= len(body) and lefts:
        heads = [_Head("", min(r.x0 for r in lefts), max(r.x1 for r in lefts)), *heads]
    if (
        len(rights) >= 2
        and len(rights) * 4 >= len(body)
        and all(len(row.runs) > 1 for row in body if row.runs[-1] in rights)
    ):
        heads = [*heads, _Head("", min(r.x0 for r in rights), max(r.x1 for r in rights))]
    return heads


def _boundary(left: _Head, right: _Head, pieces: Sequence[tuple[float, float]]) -> float:
    """The x between two headers that crosses the fewest pieces; the middle of the widest such gap."""
    low, high = min(left.cx, right.cx - 1), max(right.cx, left.cx + 1)
    marks = sorted({low, high, *(x for a, b in pieces for x in (a, b) if low < x < high), left.x1, right.x0})
    marks = [x for x in marks if low <= x <= high]
    best, chosen = None, (left.x1 + right.x0) / 2
    spans: list[tuple[int, float, float]] = []
    for a, b in zip(marks, marks[1:], strict=False):
        middle = (a + b) / 2
        crossed = sum(1 for p, q in pieces if p < middle < q) + (2 if left.x0 < middle < left.x1 else 0)
        crossed += 2 if right.x0 < middle < right.x1 else 0
        if spans and spans[-1][0] == crossed and abs(spans[-1][2] - a) < 1e-6:
            spans[-1] = (crossed, spans[-1][1], b)
        else:
            spans.append((crossed, a, b))
    for crossed, a, b in spans:
        key = (crossed, -(b - a))
        if best is None or key < best:
            best, chosen = key, (a + b) / 2
    return chosen


def _cut(run: Run, lanes: Sequence[Lane], notation: Notation) -> list[Run]:
    """The run in pieces along the boundaries it crosses."""
    for lane in lanes[:-1]:
        edge = lane.x1
        if not run.x0 < edge < run.x1 or len(run.words) < 2:
            continue
        left = [word for word in run.words if (word.x0 + word.x1) / 2 < edge]
        right = list(run.words[len(left) :])
        if not left or not right:
            continue
        if _separable(left, right, run, edge, notation):
            return [*_cut(part(run, left), lanes, notation), *_cut(part(run, right), lanes, notation)]
    return [run]


def _separable(left: Sequence[Word], right: Sequence[Word], run: Run, edge: float, notation: Notation) -> bool:
    gap = right[0].x0 - left[-1].x1
    near = left[-1].x1 - 0.4 * run.height <= edge <= right[0].x0 + 0.4 * run.height
    texts = (" ".join(w.text for w in left), " ".join(w.text for w in right))
    numeric = [_numeric(text, notation) for text in texts]
    if _numeric(" ".join(texts), notation):
        return gap > 0.5 * run.height and all(numeric)
    return near and (any(numeric) or gap > 0.5 * run.height)


def _lane_of(run: Run, lanes: Sequence[Lane], notation: Notation) -> int:
    """The column a piece belongs to: the one that holds most of it; long text belongs where it begins."""
    shares = [max(0.0, min(run.x1, lane.x1) - max(run.x0, lane.x0)) for lane in lanes]
    best = max(range(len(lanes)), key=lambda i: shares[i])
    if shares[best] < 0.8 * run.width and not _numeric(run.text, notation):
        return next(i for i, share in enumerate(shares) if share > 0)
    return best
