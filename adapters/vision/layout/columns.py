"""Columns of a table: from a header row and the rows below it to boundaries, and rows cut along them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.vision.layout.lexicon import meaning_of
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
    for left, right in itertools.pairwise(heads):
        edges.append(_boundary(left, right, pieces))
    edges.append(1e9)
    return [Lane(head.name, edges[i], edges[i + 1]) for i, head in enumerate(heads)]


def cells_of(row: Row, lanes: Sequence[Lane], notation: Notation) -> list[list[Run]]:
    """The runs of a row by column; a run across a boundary is cut between words where its parts make sense."""
    cells: list[list[Run]] = [[] for _ in lanes]
    for run in row.runs:
        for piece in [p for half in _label_and_value(run, lanes, notation) for p in _cut(half, lanes, notation)]:
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
        several = len(run.words) > 1 and notation.number(run.text) is None
        if several and all(_numeric(word.text, notation) for word in run.words):
            intervals.extend((word.x0, word.x1) for word in run.words)
        else:
            intervals.append((run.x0, run.x1))
    return intervals


def _numeric(text: str, notation: Notation) -> bool:
    return notation.number(text) is not None or text in {"-", "–", "—"}


def _split_heads(header: Sequence[Run], body: Sequence[Row], notation: Notation) -> list[_Head]:
    """Headers; one that stands over several separate strips of values is cut between its words."""
    heads: list[_Head] = []
    for run in header:
        strips = _strips_below(run, header, body, notation)
        for piece in _partition(run, strips):
            heads.append(_Head(piece.text, piece.x0, piece.x1))
    return heads


def _strips_below(
    head: Run, header: Sequence[Run], body: Sequence[Row], notation: Notation
) -> list[tuple[float, float]]:
    """Separate x-intervals of text under a header, as far as no other header is nearer to them."""
    if len(head.words) < 2:
        return []
    margin = 1.5 * head.height
    intervals: list[tuple[float, float]] = []
    together = 0
    for row in body:
        own = []
        for a, b in _pieces(row, notation):
            middle = (a + b) / 2
            apart = max(head.x0 - middle, middle - head.x1, 0.0)
            others = min((max(h.x0 - middle, middle - h.x1, 0.0) for h in header if h is not head), default=1e9)
            if apart < margin and apart <= others and b - a < 2 * head.width:
                own.append((a, b))
        intervals.extend(own)
        together += len(own) >= 2
    if together < max(1, 0.4 * len(body)):
        return []
    strips: list[tuple[float, float]] = []
    for a, b in sorted(intervals):
        # Places of words are good to about a sixth of the height.
        a, b = a + 0.15 * head.height, b - 0.15 * head.height
        if strips and a <= strips[-1][1]:
            strips[-1] = (strips[-1][0], max(strips[-1][1], b))
        else:
            strips.append((a, b))
    return strips


def _partition(head: Run, strips: Sequence[tuple[float, float]]) -> list[Run]:
    """The header's words in as many groups as there are strips, each group where it fits its strip best."""
    if len(strips) < 2 or len(head.words) < len(strips) or len(strips) > 4:
        return [head]
    best: tuple[float, list[Run]] | None = None
    for cuts in itertools.combinations(range(1, len(head.words)), len(strips) - 1):
        edges = [0, *cuts, len(head.words)]
        groups = [part(head, head.words[a:b]) for a, b in itertools.pairwise(edges)]
        cost = 0.0
        for group, (x0, x1) in zip(groups, strips, strict=True):
            cost += min(abs(group.x0 - x0), abs(group.x1 - x1), abs(group.cx - (x0 + x1) / 2))
            cost -= 0.5 * max(0.0, min(group.x1, x1) - max(group.x0, x0))
            cost += 2 * head.height if group.text[0].islower() else 0.0
        if best is None or cost < best[0]:
            best = (cost, groups)
    return best[1] if best else [head]


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
    best: tuple[int, float] | None = None
    chosen = (left.x1 + right.x0) / 2
    spans: list[tuple[int, float, float]] = []
    for a, b in itertools.pairwise(marks):
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


def _label_and_value(run: Run, lanes: Sequence[Lane], notation: Notation) -> list[Run]:
    """`Subtotal $ 112.00` read as one run over two columns: the label and the amount apart."""
    if len(run.words) < 2 or not any(run.x0 < lane.x1 < run.x1 for lane in lanes[:-1]):
        return [run]
    for index in range(1, len(run.words)):
        left, right = run.words[:index], run.words[index:]
        if notation.number(" ".join(word.text for word in right)) is None:
            continue
        label = meaning_of(" ".join(word.text for word in left))
        return [part(run, left), part(run, right)] if label.strength >= 2 else [run]
    return [run]


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
