"""Arithmetic inside tables: items, sums and running balances, and a sentence for what does not add up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from adapters.vision.layout.lexicon import (
    AMOUNT_HEADERS,
    BALANCE_HEADERS,
    CREDIT_HEADERS,
    DEBIT_HEADERS,
    DISCOUNT_HEADERS,
    PRICE_HEADERS,
    QUANTITY_HEADERS,
    folded,
    meaning_of,
)
from schemas.documents import Cell, Table

_CENT = Decimal("0.011")
_MOST = 3
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{3,}(?![^\W_])")
# The name of a receipt's table of items, which has no header of its own.
ITEMS = "Items"


def lines_sum(tables: Sequence[Table]) -> Decimal | None:
    """Sum of the amounts of the item lines of the table that has them; None when unreadable or absent."""
    for table in tables:
        column = amount_column(table)
        itemised = table.name == ITEMS or any(_column(table, p) is not None for p in (QUANTITY_HEADERS, PRICE_HEADERS))
        if column is None or not itemised:
            continue
        if any(_settles(row) or (not row[column].text and _valued(row)) for row in table.rows):
            continue
        values = [row[column].value for row in table.rows if row[column].text]
        if values and all(value is not None for value in values):
            return sum((value for value in values if value is not None), Decimal(0))
    return None


def _settles(row: Sequence[Cell]) -> bool:
    """What was owed before or paid since: no item, and sums with it are no sums of items."""
    meaning = meaning_of(next((cell.text for cell in row if cell.text), ""))
    negative = any(cell.value is not None and cell.value < 0 for cell in row)
    return meaning.role in ("opening_balance", "closing_balance") or (meaning.role == "paid" and negative)


def _valued(row: Sequence[Cell]) -> bool:
    """It has a number in a column of numbers: an item whose amount was not read."""
    return any(cell.value is not None for cell in row)


def amount_column(table: Table) -> int | None:
    """The column with each line's amount: the last one of money whose header says so, else the last one of money."""
    money = [i for i, column in enumerate(table.columns) if column.kind in ("money", "number")]
    named = [i for i in money if AMOUNT_HEADERS.search(folded(table.columns[i].name))]
    if named:
        return named[-1]
    return money[-1] if money and table.columns[money[-1]].kind == "money" else None


def item_warnings(tables: Sequence[Table]) -> list[str]:
    """Lines whose quantity times unit price is not their amount, where the other lines' are."""
    warnings: list[str] = []
    for table in tables:
        quantity, price, amount = (_column(table, QUANTITY_HEADERS), _price_column(table), amount_column(table))
        if quantity is None or price is None or amount is None or len({quantity, price, amount}) < 3:
            continue
        discount = next((i for i, c in enumerate(table.columns) if DISCOUNT_HEADERS.search(folded(c.name))), None)
        right, wrong = 0, []
        for row in table.rows:
            q, p, a = row[quantity].value, row[price].value, row[amount].value
            if q is None or p is None or a is None:
                continue
            off = row[discount].value if discount is not None else None
            factor = 1 if off is None else (100 - abs(off)) / 100
            if abs(q * p * factor - a) <= max(_CENT, abs(a) * Decimal("0.0005")):
                right += 1
            else:
                wrong.append((row[0].text or "a line", q, p, a))
        if right > len(wrong):
            warnings.extend(
                f"{name[:60]}: {q} times {p} is not the printed amount {a}." for name, q, p, a in wrong[:_MOST]
            )
    return warnings


def balance_warnings(tables: Sequence[Table]) -> list[str]:
    """Rows of a statement whose running balance does not follow from the row before.

    On a line of credit debits raise the balance; which way round it goes is what most rows say.
    """
    warnings: list[str] = []
    for table in tables:
        balance = _column(table, BALANCE_HEADERS)
        if balance is None:
            continue
        steps = _steps(table, balance)
        if len(steps) < 2:
            continue
        forward = sum(abs(before + change - after) < _CENT for _, before, change, after in steps)
        backward = sum(abs(before - change - after) < _CENT for _, before, change, after in steps)
        sign = 1 if forward >= backward else -1
        agreeing = max(forward, backward)
        if agreeing * 2 <= len(steps):
            continue
        for name, before, change, after in steps:
            if abs(before + sign * change - after) >= _CENT:
                warnings.append(
                    f"The balance {after} ({name[:40]}) does not follow from {before} and the movement of {change}."
                )
    return warnings[:_MOST]


def unread_warnings(tables: Sequence[Table]) -> list[str]:
    """Columns of numbers in which some cell has digits that could not be read as one: their sums would be wrong."""
    warnings: list[str] = []
    for table in tables:
        for index, column in enumerate(table.columns):
            if column.kind not in ("number", "money", "percent"):
                continue
            cells = [row[index] for row in table.rows]
            unread = sum(cell.value is None and _number_like(cell.text) for cell in cells)
            if unread:
                warnings.append(
                    f"{unread} of {len(cells)} numbers under {column.name or 'a column'} could not be read."
                )
    return warnings[:_MOST]


def _number_like(text: str) -> bool:
    """Digits that should have made a number: not the words of a label, not a number after `#`."""
    return any(c.isdigit() for c in text) and not _WORD.search(text) and not text.startswith("#")


def _steps(table: Table, balance: int) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """(row, balance before, change, balance after) for rows with a movement between two balances."""
    credit, debit = _column(table, CREDIT_HEADERS, balance), _column(table, DEBIT_HEADERS, balance)
    amount = None
    if credit is None or debit is None:
        others = [i for i, c in enumerate(table.columns) if c.kind == "money" and i != balance]
        amount = others[-1] if others else None
        credit = debit = None
    steps: list[tuple[str, Decimal, Decimal, Decimal]] = []
    before: Decimal | None = None
    for row in table.rows:
        after = row[balance].value
        if amount is not None:
            change = row[amount].value
        elif credit is not None and debit is not None:
            inward, outward = row[credit].value, row[debit].value
            change = (
                None if inward is None and outward is None else abs(inward or Decimal(0)) - abs(outward or Decimal(0))
            )
        else:
            change = None
        if before is not None and after is not None and change is not None:
            steps.append((next((c.text for c in row if c.text), "row"), before, change, after))
        before = after if after is not None else None
    return steps


def _column(table: Table, pattern: re.Pattern[str], other_than: int | None = None) -> int | None:
    for index, column in enumerate(table.columns):
        if index != other_than and column.kind in ("money", "number") and pattern.search(folded(column.name)):
            return index
    return None


def _price_column(table: Table) -> int | None:
    amount = amount_column(table)
    for index, column in enumerate(table.columns):
        if index != amount and column.kind in ("money", "number") and PRICE_HEADERS.search(folded(column.name)):
            return index
    return None
