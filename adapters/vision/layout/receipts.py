"""Item lines of a receipt as a table: name, quantity, unit price, amount, though no header stands above them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from adapters.vision.layout.checks import ITEMS
from adapters.vision.layout.currencies import mark_of
from adapters.vision.layout.dates import dates_in
from adapters.vision.layout.lexicon import meaning_of
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.numbers import Number, cleaned_text
from adapters.vision.layout.rows import Row
from adapters.vision.layout.tabulate import confidence_of
from adapters.vision.layout.words import Run, around
from schemas.documents import Cell, Column, Table

_ENDING = frozenset({"total", "subtotal", "amount_due", "tax"})
_BETWEEN = frozenset({"discount"})
_TIMES = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:kg|pcs|st|stk|x)?\s*[x×@*à]\s*(?=\D{0,4}\d)", re.IGNORECASE)
# A pump measures to the hundredth (`41.37 l x 1.989`); `Compost 50 L x2` is the name of a sack.
_LITRES = re.compile(r"(\d+[.,]\d{2,3})\s*(?:ltr|lit(?:er|re)s?|gal|[l1I])\s*[x×@*à]\s*(?=\D{0,4}\d)", re.IGNORECASE)
_CENT = Decimal("0.011")


def item_table(rows: Sequence[Row], notation: Notation) -> tuple[Table, frozenset[int]] | None:
    """The items above the first subtotal or total, and the rows they take; None when there are fewer than two.

    An item ends with an amount at the end of its line or on a line of its own; lines with `2 @ 3.50` give quantity
    and unit price; discounts between items are passed over.
    """
    items: list[tuple[Cell, ...]] = []
    taken: list[int] = []
    name: list[Run] = []
    detail: tuple[Cell, Cell] | None = None
    open_rows: list[int] = []
    for index, row in enumerate(rows):
        if index and row.cy - rows[index - 1].cy > 1.9 * row.height:
            # A rule or a blank line begins something new.
            name, detail, open_rows = [], None, []
        if any(dates_in(run.text, notation.order) for run in row.runs):
            name, detail, open_rows = [], None, []
            continue
        if all(mark_of(run.text) is not None for run in row.runs):
            # The currency of the amounts, in a line of its own above them.
            name, detail, open_rows = [], None, []
            continue
        text_of_row = cleaned_text(row.text)
        numbers = notation.numbers(text_of_row)
        words = " ".join(word.text for run in row.runs for word in run.words if notation.number(word.text) is None)
        meaning = meaning_of(words)
        if numbers and meaning.role in _ENDING and meaning.strength >= 2:
            break
        if meaning.role in _BETWEEN and meaning.strength >= 2:
            continue
        if meaning.role == "opening_balance" or (meaning.role == "paid" and numbers and numbers[-1].value < 0):
            # What was owed before and what was paid since are no items.
            name, detail, open_rows = [], None, []
            continue
        if not any(c.isalnum() for c in row.text):
            name, detail, open_rows = [], None, []
            continue
        times = _LITRES.search(text_of_row) or _TIMES.search(text_of_row)
        amount = _amount(row, notation)
        if times is not None and numbers and len(numbers) >= 2:
            detail = _detail(row, times, numbers, notation)
            open_rows.append(index)
            if amount is None or len(numbers) < 3:
                continue
        if amount is None:
            name, open_rows = [*name, *row.runs][-8:], [*open_rows, index]
            continue
        run, number = amount
        label = [r for r in row.runs if r is not run]
        own = _label_in(run, number)
        if not items and times is None and (label or own):
            # What stands above the first item that has a name of its own is the shop's address.
            name, open_rows = [], []
        text = " ".join(
            [
                *(r.text for r in name),
                *(r.text for r in label if times is None),
                *([own] if own and times is None else []),
            ]
        )
        if not text.strip() or sum(c.isalpha() for c in text) < 2:
            name, detail, open_rows = [], None, []
            continue
        sources = [*name, *row.runs]
        quantity, price = detail or (Cell(text=""), Cell(text=""))
        items.append(
            (
                Cell(text=text.strip(), box=around([r.box for r in sources]), confidence=confidence_of(sources, None)),
                quantity,
                price,
                Cell(
                    text=run.text[number.start :].strip() if own else run.text,
                    value=number.value,
                    confidence=confidence_of([run], number),
                    box=run.box,
                ),
            )
        )
        taken.extend([*open_rows, index])
        name, detail, open_rows = [], None, []
    if len(items) < 2:
        return None
    return _table(items, notation), frozenset(taken)


def _table(items: Sequence[tuple[Cell, ...]], notation: Notation) -> Table:
    columns = [
        Column(name="Item", kind="text"),
        Column(name="Quantity", kind="number"),
        Column(name="Unit price", kind="money", unit=notation.currency),
        Column(name="Amount", kind="money", unit=notation.currency),
    ]
    kept = [0, *(i for i in (1, 2) if any(item[i].text for item in items)), 3]
    rows = tuple(tuple(item[i] for i in kept) for item in items)
    boxes = [cell.box for row in rows for cell in row if cell.box is not None]
    return Table(
        name=ITEMS,
        columns=tuple(columns[i] for i in kept),
        rows=rows,
        confidence=round(sum(row[-1].confidence for row in rows) / len(rows), 3),
        box=around(boxes),
    )


def _amount(row: Row, notation: Notation) -> tuple[Run, Number] | None:
    """The amount at the end of a row: the last run, or the end of the last run."""
    last = row.runs[-1]
    # A tax class behind the amount ("2,49 A").
    if len(last.text) <= 2 and last.text.isalpha() and len(row.runs) > 1:
        last = row.runs[-2]
    number = notation.number(last.text)
    if number is None:
        inside = notation.numbers(last.text)
        tail = last.text[inside[-1].end :].strip() if inside else ""
        if not inside or len(tail) > 2 or any(c.isdigit() for c in tail):
            return None
        number = inside[-1]
    return (last, number) if number.money_like and number.unit is None else None


def _label_in(run: Run, number: Number) -> str:
    label = run.text[: number.start].strip(" .:")
    return label if any(c.isalpha() for c in label) else ""


def _detail(row: Row, times: re.Match[str], numbers: Sequence[Number], notation: Notation) -> tuple[Cell, Cell] | None:
    count = notation.number(times[1])
    after = [number for number in numbers if number.start >= times.end() - 1]
    if count is None or not after:
        return None
    box = around([run.box for run in row.runs])
    sure = min(run.confidence for run in row.runs)
    return (
        Cell(text=times[1], value=count.value, confidence=round(sure, 3), box=box),
        Cell(
            text=cleaned_text(row.text)[after[0].start : after[0].end].strip(),
            value=after[0].value,
            confidence=round(sure, 3),
            box=box,
        ),
    )
