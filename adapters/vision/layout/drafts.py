"""The rows under a header as drafts of table rows: cells by column, continued lines merged, sums told apart."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from adapters.vision.layout.columns import Lane, cells_of
from adapters.vision.layout.lexicon import PRICE_HEADERS, QUANTITY_HEADERS, folded, meaning_of
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.row_content import SUMMARY_ROLES, has_text, is_data, is_value, summary_label
from adapters.vision.layout.rows import Row
from adapters.vision.layout.words import Run


@dataclass(slots=True)
class Draft:
    cells: list[list[Run]]
    index: int
    summary: bool = False
    extra: list[int] = field(default_factory=list)


def drafts_of(rows: Sequence[Row], indices: range, lanes: Sequence[Lane], notation: Notation) -> list[Draft]:
    drafts: list[Draft] = []
    pending: Draft | None = None
    usual = [len([c for c in cells_of(rows[i], lanes, notation) if c]) for i in indices if is_data(rows[i], notation)]
    typical = statistics.median(usual) if usual else 2
    pitch = _pitch([rows[i] for i in indices], notation)
    for index in indices:
        row = rows[index]
        cells = cells_of(row, lanes, notation)
        filled = [cell for cell in cells if cell]
        if is_data(row, notation):
            label = summary_label(row, notation)
            begins = label and says_total(filled[0], notation)
            summary = label and (len(filled) < typical or begins or len(filled) <= 2)
            draft = Draft(cells, index, summary=summary and not _itemised(cells, lanes, typical, notation))
            if drafts and drafts[-1].summary and len(filled) <= 2:
                # Below a sum, what is paid or left; and what has its label where items have their numbers.
                draft.summary = draft.summary or _settles(filled[0], notation) or (not cells[0] and len(lanes) > 2)
            if pending is not None and not draft.summary and not has_text(cells, notation):
                _merge(draft, pending, before=True)
            pending = None
            drafts.append(draft)
            continue
        close = bool(drafts) and row.cy - _bottom(drafts[-1]) < min(1.3 * row.height, 0.9 * pitch)
        if close and not drafts[-1].summary:
            _merge(drafts[-1], Draft(cells, index), before=False)
        else:
            pending = Draft(cells, index)
    _unlabelled_sum(drafts, notation)
    _between_sums(drafts, notation)
    _accounts(drafts, lanes, notation)
    return drafts


def _accounts(drafts: Sequence[Draft], lanes: Sequence[Lane], notation: Notation) -> None:
    """Tax, a discount or freight as one account among others: under columns of amounts that are no prices or counts,
    with a number in two or more of them and other accounts below."""
    data = [draft for draft in drafts if not draft.summary]
    amounts = [i for i in range(1, len(lanes)) if is_value_column(i, data, notation)]
    if len(amounts) < 2 or any(_NO_ACCOUNT.search(folded(lane.name)) for lane in lanes):
        return
    for at, draft in enumerate(drafts):
        words = [cell for cell in draft.cells if cell]
        below = any(not each.summary for each in drafts[at + 1 :])
        if draft.summary and below and sum(bool(draft.cells[i]) for i in amounts) >= 2:
            draft.summary = not says_total(words[0], notation, _ACCOUNTS)


_ACCOUNTS = ("tax", "discount", "shipping", "tip")
_NO_ACCOUNT = re.compile(rf"{QUANTITY_HEADERS.pattern}|{PRICE_HEADERS.pattern}")


def _itemised(cells: Sequence[Sequence[Run]], lanes: Sequence[Lane], typical: float, notation: Notation) -> bool:
    """Delivery, a discount or a city's tax as an item: with a quantity and a price, as many cells as the others."""
    filled = [cell for cell in cells if cell]
    role = meaning_of(" ".join(run.text for run in filled[0])).role
    counted = any(
        QUANTITY_HEADERS.search(folded(lane.name)) and cell and notation.number(" ".join(run.text for run in cell))
        for lane, cell in zip(lanes, cells, strict=True)
    )
    return role in ("shipping", "discount", "tip", "tax") and counted and len(filled) >= max(typical, 4)


def _pitch(rows: Sequence[Row], notation: Notation) -> float:
    """Least distance between neighbouring rows that both bring values: lines closer than that continue a row."""
    steps = [
        below.cy - above.cy
        for above, below in itertools.pairwise(rows)
        if is_data(above, notation) and is_data(below, notation)
    ]
    return statistics.median(steps) if steps else 1e9


def _settles(cell: Sequence[Run], notation: Notation) -> bool:
    """Below a total: what was paid, what is left, what was given back."""
    words = [word.text for run in cell for word in run.words if notation.number(word.text) is None]
    meaning = meaning_of(" ".join(words))
    return meaning.role in ("paid", "change", "amount_due", "balance") and meaning.strength >= 2


def says_total(cell: Sequence[Run], notation: Notation, roles: Collection[str] = SUMMARY_ROLES) -> bool:
    """A few words that name a sum of one of these roles."""
    words = [word.text for run in cell for word in run.words if notation.number(word.text) is None]
    return len(words) <= 4 and meaning_of(" ".join(words)).role in roles


def _unlabelled_sum(drafts: Sequence[Draft], notation: Notation) -> None:
    """A last row without words whose numbers are the sums of the columns above is a total row."""
    data = [draft for draft in drafts if not draft.summary]
    if len(data) < 2 or has_text(data[-1].cells, notation):
        return
    sums = 0
    for column, cell in enumerate(data[-1].cells):
        if not cell:
            continue
        printed = notation.number(" ".join(run.text for run in cell))
        above = [notation.number(" ".join(run.text for run in draft.cells[column])) for draft in data[:-1]]
        if printed is None or sum(n.value for n in above if n is not None) != printed.value:
            return
        sums += 1
    data[-1].summary = sums >= 1 and not data[-1].cells[0]


def _between_sums(drafts: Sequence[Draft], notation: Notation) -> None:
    """What stands between a subtotal and the total with a label and an amount only is no item: a tax of any name, a
    rounding."""
    net = _sum_at(drafts, ("subtotal",), notation)
    end = _sum_at(drafts, ("total", "amount_due"), notation)
    if not net or not end:
        return
    above = [sum(map(bool, draft.cells)) for draft in drafts[: net[0]] if not draft.summary]
    if not above:
        return
    for draft in drafts[net[-1] + 1 : end[-1]]:
        if sum(map(bool, draft.cells)) <= 2 < min(above):
            draft.summary = True


def _sum_at(drafts: Sequence[Draft], roles: Collection[str], notation: Notation) -> list[int]:
    """Where sums of these roles stand."""
    return [
        at
        for at, draft in enumerate(drafts)
        if draft.summary and any(says_total(cell, notation, roles) for cell in draft.cells if cell)
    ]


def _bottom(draft: Draft) -> float:
    return max(run.cy for cell in draft.cells for run in cell)


def _merge(draft: Draft, other: Draft, *, before: bool) -> None:
    for mine, theirs in zip(draft.cells, other.cells, strict=True):
        mine[:] = [*theirs, *mine] if before else [*mine, *theirs]
    draft.extra.append(other.index)


def is_value_column(column: int, data: Sequence[Draft], notation: Notation) -> bool:
    """Most of what a column holds are values, and it holds something in many rows."""
    cells = [" ".join(run.text for run in draft.cells[column]) for draft in data if draft.cells[column]]
    values = sum(is_value(cell, notation) for cell in cells)
    return bool(cells) and values >= 0.6 * len(cells) and len(cells) >= 0.4 * len(data)
