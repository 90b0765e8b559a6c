"""Tables: a header row, the rows aligned under it, and its subtotal and total rows apart."""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.vision.layout.columns import Lane, lanes_of
from adapters.vision.layout.dates import date_of
from adapters.vision.layout.drafts import Draft, drafts_of, is_value_column, says_total
from adapters.vision.layout.lexicon import (
    AMOUNT_HEADERS,
    ID_HEADERS,
    MONEY_HEADERS,
    QUANTITY_HEADERS,
    folded,
)
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.row_content import (
    garbled,
    is_data,
    is_part_of_year,
    is_value,
    is_year,
    summary_label,
)
from adapters.vision.layout.rows import Row
from adapters.vision.layout.side_by_side import apart
from adapters.vision.layout.words import Run

_TELEPHONE = re.compile(r"\b(?:tel|phone|fax|telefon\w*|tél)\b[.:]?\s*[+(]?\d", re.IGNORECASE)


_NUMBERED = re.compile(r"[^\W\d_]+\.?\s?\d{5,}")


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table before its cells get values: lanes, rows of runs per lane, and which page rows it took."""

    lanes: tuple[Lane, ...]
    rows: tuple[tuple[tuple[Run, ...], ...], ...]
    summaries: tuple[tuple[tuple[Run, ...], ...], ...]
    taken: frozenset[int]
    summary_rows: frozenset[int]
    header: tuple[int, ...]


def find_tables(rows: Sequence[Row], notation: Notation) -> list[FoundTable]:
    """All tables of a page, top to bottom."""
    found: list[FoundTable] = []
    index = 0
    while index < len(rows) - 1:
        here = _table_at(rows, index, notation) if _header_like(rows[index], notation) else []
        found += here
        index = max((max(table.taken) for table in here), default=index) + 1
    return found


def _header_like(row: Row, notation: Notation) -> bool:
    """Two or more short texts, none of them a value (years may head columns)."""
    if len(row.runs) < 2 and not (len(row.runs) == 1 and len(row.runs[0].words) in (2, 3, 4)):
        return False
    texts = [run.text for run in row.runs]
    texts = texts[: len(texts) - _periods(texts, notation)]
    if any(len(text) > 45 or text.endswith(":") or _coded(text) for text in texts):
        return False
    if _addressed(row):
        return False
    if len(texts) >= 2 and all(is_year(text) for text in texts):
        return True
    values = [is_value(text, notation) and not is_year(text) for text in texts]
    named = sum(any(c.isalpha() for c in text) for text in texts)
    return not any(values) and named >= 1 and (len(row.runs) >= 2 or named >= 1)


def _periods(texts: Sequence[str], notation: Notation) -> int:
    """How many dates end a row: two or more head columns ("31 Dec 2024", "31 Dec 2023"), one is a value."""
    dates = list(itertools.takewhile(lambda text: date_of(text, notation.order) is not None, reversed(texts)))
    return len(dates) if len(dates) >= 2 and len(dates) < len(texts) else 0


def _addressed(row: Row) -> bool:
    """A line of an address ("301 Market Street") or a telephone number, not names of columns."""
    if any(_TELEPHONE.search(run.text) for run in row.runs):
        return True
    words = [word.text for word in row.runs[0].words]
    return len(row.runs) == 1 and any(word.strip(".,").isdigit() and not is_year(word) for word in words)


def _coded(text: str) -> bool:
    """More digits than letters, or a word and a long number: an order or a phone number, not the name of a column."""
    if _NUMBERED.fullmatch(text) is not None:
        return True
    return not (is_year(text) or is_part_of_year(text)) and sum(c.isdigit() for c in text) > sum(
        c.isalpha() for c in text
    )


def _table_at(rows: Sequence[Row], start: int, notation: Notation) -> list[FoundTable]:
    """The tables whose header is this row: none, one, or two side by side."""
    header = list(rows[start].runs)
    first, heads = start + 1, [start]
    # A header of two lines: more text right below, over the same columns, before any value.
    while (
        first < len(rows) - 1 and len(heads) < 3 and _continues_header(header, rows[first], rows[first + 1], notation)
    ):
        header = _joined(header, rows[first])
        heads.append(first)
        first += 1
    last = _reach(rows, first, header, notation)
    if last < first or _nearer_header(rows, first, last, notation):
        return []
    body = [rows[i] for i in range(first, last + 1)]
    if _cards(header, rows[first : last + 1], notation):
        return []
    if len(header) == 1 and not _single_head_fits(header[0], body, notation):
        return []
    model = [row for row in body if is_data(row, notation) and not summary_label(row, notation)]
    if not model:
        return []
    lanes = lanes_of(header, model, notation)
    if len(lanes) < 2 or sum(bool(lane.name) for lane in lanes) < min(2, len(lanes) - 1 + (len(header) == 1)):
        return []
    drafts = _trimmed(drafts_of(rows, range(first, last + 1), lanes, notation), len(lanes), notation)
    found = [
        _found(heads, *_without_ornaments(part_lanes, part_drafts), notation)
        for part_lanes, part_drafts in apart(lanes, drafts, notation)
    ]
    return [table for table in found if table is not None]


def _found(heads: Sequence[int], lanes: list[Lane], drafts: list[Draft], notation: Notation) -> FoundTable | None:
    data = [draft for draft in drafts if not draft.summary]
    if len(lanes) < 2 or not _convincing(lanes, data, notation):
        return None
    taken = {*heads, *(draft.index for draft in drafts), *(i for draft in drafts for i in draft.extra)}
    # A line among the sums that fits no column is no part of the table: "Less deposit paid -100.00" read as one piece.
    sums = min((draft.index for draft in drafts if draft.summary), default=max(taken))
    taken |= set(range(min(taken), sums))
    return FoundTable(
        lanes=tuple(lanes),
        rows=tuple(tuple(tuple(cell) for cell in draft.cells) for draft in data),
        summaries=tuple(tuple(tuple(cell) for cell in draft.cells) for draft in drafts if draft.summary),
        taken=frozenset(taken),
        summary_rows=frozenset(draft.index for draft in drafts if draft.summary),
        header=tuple(heads),
    )


def _cards(header: Sequence[Run], body: Sequence[Row], notation: Notation) -> bool:
    """Captions over large numbers side by side: cards of a dashboard, not a table."""
    values = [run for run in body[0].runs if is_value(run.text, notation)] if body else []
    if not values:
        return False
    caption = statistics.median(run.height for run in header)
    more = [run for row in body[1:] for run in row.runs if notation.number(run.text) is not None]
    # A table of one row is rarer than cards, whose captions need be little smaller then.
    return statistics.median(run.height for run in values) > (1.35 if len(more) >= len(values) else 1.2) * caption


def _nearer_header(rows: Sequence[Row], first: int, last: int, notation: Notation) -> bool:
    """Another row that could be the header stands between this one and the first values."""
    for row in rows[first : last + 1]:
        if is_data(row, notation):
            return False
        if len(row.runs) >= 2 and _header_like(row, notation):
            return True
    return False


def _trimmed(drafts: list[Draft], lanes: int, notation: Notation) -> list[Draft]:
    """Without rows at the end that have other things than values where the table has values."""
    data = [draft for draft in drafts if not draft.summary]
    strong = [column for column in range(lanes) if is_value_column(column, data, notation)]

    def valued(draft: Draft) -> bool:
        texts = [" ".join(run.text for run in draft.cells[column]) for column in strong]
        return any(is_value(text, notation) for text in texts if text)

    last = max((at for at, draft in enumerate(drafts) if valued(draft)), default=0)
    beyond = drafts[last + 1 :]
    # Sums that fit no column are still the table's, unless rows of another list stand before them.
    return drafts[: last + 1] if any(not draft.summary for draft in beyond) else drafts


def _without_ornaments(lanes: list[Lane], drafts: list[Draft]) -> tuple[list[Lane], list[Draft]]:
    """Without columns that hold nothing under a header of one character (a sorting arrow, an icon)."""
    kept = [i for i, lane in enumerate(lanes) if len(lane.name) > 1 or any(draft.cells[i] for draft in drafts)]
    for draft in drafts:
        draft.cells = [draft.cells[i] for i in kept]
    return [lanes[i] for i in kept], drafts


def _single_head_fits(head: Run, body: Sequence[Row], notation: Notation) -> bool:
    """A header read as one run ("Region Revenue") counts when every row below has two or more parts."""
    parts = [len(row.runs) for row in body]
    return (
        len(body) >= 3 and all(n >= 2 for n in parts) and head.width > 0.5 * (body[0].runs[-1].x1 - body[0].runs[0].x0)
    )


def _continues_header(header: Sequence[Run], row: Row, following: Row, notation: Notation) -> bool:
    if row.cy - statistics.fmean(r.cy for r in header) > 1.5 * row.height * (1 + 0.0) or not row.runs:
        return False
    if any(is_value(run.text, notation) or len(run.text) > 25 for run in row.runs):
        return False
    over = all(sum(h.x0 < run.x1 and run.x0 < h.x1 for h in header) == 1 for run in row.runs)
    values_below = sum(is_value(run.text, notation) for run in following.runs)
    numeric_side = all(run.x0 > header[0].x1 for run in row.runs) or len(row.runs) >= len(header)
    return over and values_below >= 1 and numeric_side


def _joined(header: Sequence[Run], row: Row) -> list[Run]:
    joined: list[Run] = []
    for head in header:
        below = [run for run in row.runs if head.x0 < run.x1 and run.x0 < head.x1]
        if below:
            words = (*head.words, *(word for run in below for word in run.words))
            x0, x1 = min(head.x0, *(r.x0 for r in below)), max(head.x1, *(r.x1 for r in below))
            joined.append(Run(words=words, x0=x0, y0=head.y0, x1=x1, y1=below[-1].y1, box=head.box))
        else:
            joined.append(head)
    return joined


def _reach(rows: Sequence[Row], first: int, header: Sequence[Run], notation: Notation) -> int:
    """Index of the table's last row: rows follow each other closely and keep bringing values."""
    last, idle = first - 1, 0
    previous = statistics.fmean(run.cy for run in header)
    pitches: list[float] = []
    left = min(run.x0 for run in header)
    for index in range(first, len(rows)):
        row = rows[index]
        gap = row.cy - previous
        limit = max(3.0 * row.height, 1.9 * statistics.median(pitches)) if pitches else 4.5 * row.height
        if gap > limit:
            break
        if index > first and last >= first and _header_like(row, notation) and len(row.runs) >= 3:
            following = rows[index + 1] if index + 1 < len(rows) else None
            if following is not None and any(is_value(run.text, notation) for run in following.runs):
                break
        if is_data(row, notation):
            if last >= first:
                pitches.append(gap if idle == 0 else row.cy - rows[last].cy)
            last, idle = index, 0
        else:
            idle += 1
            if idle > 3 or (row.runs[0].x0 < left - 6 * row.height and len(row.text) > 40):
                break
        previous = row.cy
    # The second line of the last row's text.
    while first <= last < len(rows) - 1:
        row = rows[last + 1]
        close = row.cy - rows[last].cy < 1.25 * row.height and row.runs[0].x0 > left - row.height
        if not close or len(row.runs) != 1 or is_data(row, notation) or notation.numbers(row.text):
            break
        last += 1
    return last


def _convincing(lanes: Sequence[Lane], data: Sequence[Draft], notation: Notation) -> bool:
    """Some column holds values in most rows, and there are rows or headers enough to be no accident."""
    if not data:
        return False
    names = [folded(lane.name) for lane in lanes if lane.name]
    known = sum(
        bool(
            MONEY_HEADERS.search(name)
            or QUANTITY_HEADERS.search(name)
            or AMOUNT_HEADERS.search(name)
            or ID_HEADERS.fullmatch(name)
        )
        for name in names
    )
    strong = sum(is_value_column(column, data, notation) for column in range(len(lanes)))
    filled = sum(bool(cell) for draft in data for cell in draft.cells) / (len(lanes) * len(data))
    unread = sum(any(garbled(run.text, notation) for cell in draft.cells for run in cell) for draft in data)
    if unread * 4 > len(data):
        # Columns too close to be told apart: nothing is better than a part of the numbers.
        return False
    if strong == 0 or filled < (0.34 if known >= 2 else 0.5):
        return False
    if len(data) == 1:
        return len(lanes) >= 3 and filled > 0.6 and (known >= 2 or strong >= 2)
    labels = sum(says_total(next(cell for cell in draft.cells if cell), notation) for draft in data)
    if known == 0 and labels * 2 >= len(data):
        # Tax, Discount, Amount one below the other: labelled figures, not a table.
        return False
    patterns = Counter(tuple(bool(cell) for cell in draft.cells) for draft in data)
    if known == 0 and patterns.most_common(1)[0][1] < 0.6 * len(data):
        return False
    return len(data) >= 3 or known >= 1 or (len(lanes) >= 3 and len(data) >= 2)
