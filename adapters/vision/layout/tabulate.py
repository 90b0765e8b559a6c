"""From a found table to the contract's `Table`: cell values, column kinds and units."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.vision.layout.currencies import CODES, code_of, mark_of
from adapters.vision.layout.dates import date_of
from adapters.vision.layout.lexicon import (
    CREDIT_HEADERS,
    DEBIT_HEADERS,
    ID_HEADERS,
    MONEY_HEADERS,
    QUANTITY_HEADERS,
    folded,
)
from adapters.vision.layout.notation import Notation
from adapters.vision.layout.numbers import Number
from adapters.vision.layout.rows import rows_of
from adapters.vision.layout.tables import FoundTable
from adapters.vision.layout.words import Run, around
from schemas.documents import Cell, Column, Table

_AMBIGUOUS_DOUBT = 0.6


def confidence_of(runs: Sequence[Run], number: Number | None) -> float:
    """How sure a cell or figure is read: for numbers the weakest character counts, for text the mean."""
    if not runs:
        return 1.0
    if number is None:
        return round(min(run.confidence for run in runs), 3)
    sure = min(min(run.confidence, (run.weakest + run.confidence) / 2) for run in runs) * number.doubt
    return round(sure * (_AMBIGUOUS_DOUBT if number.ambiguous else 1.0), 3)


def table_of(found: FoundTable, notation: Notation, name: str | None) -> Table:
    """The table with values. Cells of columns that name things (numbers of articles, cheques) have none."""
    columns: list[Column] = []
    for index, lane in enumerate(found.lanes):
        texts = [_text(row[index]) for row in found.rows]
        columns.append(_column(lane.name, texts, notation, first=index == 0))
    rows = tuple(_cells(row, columns, notation) for row in found.rows)
    summaries = tuple(_cells(row, columns, notation) for row in found.summaries)
    certain = [cell.confidence for row in rows for cell in row if cell.text]
    boxes = [run.box for row in (*found.rows, *found.summaries) for cell in row for run in cell]
    return Table(
        name=name,
        columns=_named(columns),
        rows=rows,
        summary_rows=summaries,
        confidence=round(sum(certain) / len(certain), 3) if certain else 0.5,
        box=around(boxes) if boxes else None,
    )


def number_in_cell(text: str, notation: Notation) -> Number | None:
    """The number of a cell; a short remark behind it (`101.50 EX`) is left aside."""
    number = notation.number(text)
    if number is None:
        head, _, tail = text.rpartition(" ")
        if head and len(tail) <= 3 and tail.isalpha():
            number = notation.number(head)
    return number


def _cells(row: Sequence[Sequence[Run]], columns: Sequence[Column], notation: Notation) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for runs, column in zip(row, columns, strict=True):
        text = _text(runs)
        number = number_in_cell(text, notation) if column.kind in ("number", "money", "percent") else None
        cells.append(
            Cell(
                text=text,
                value=None if number is None else number.value,
                confidence=confidence_of(runs, number),
                box=around([run.box for run in runs]) if runs else None,
            )
        )
    return tuple(cells)


def _column(name: str, texts: Sequence[str], notation: Notation, *, first: bool) -> Column:
    filled = [text for text in texts if text and any(c.isalnum() for c in text)]
    label = folded(name)
    if not filled:
        moves = DEBIT_HEADERS.search(label) or CREDIT_HEADERS.search(label)
        return Column(name=name, kind="money", unit=notation.currency) if moves else Column(name=name, kind="text")
    dates = sum(date_of(text, notation.order) is not None for text in filled)
    if dates >= 0.6 * len(filled):
        return Column(name=name, kind="date")
    numbers = [number for text in filled if (number := number_in_cell(text, notation)) is not None]
    if len(numbers) < 0.6 * len(filled):
        return Column(name=name, kind="text")
    if _identifies(label, filled, numbers, first=first):
        return Column(name=name, kind="text")
    units = {number.unit for number in numbers if number.unit}
    if "%" in units or ("%" in name and not any(n.mark for n in numbers)):
        return Column(name=name, kind="percent", unit="%")
    marks = {number.mark for number in numbers if number.mark}
    heading = _heading_currency(name)
    if marks or heading or _money_by_name(label, numbers):
        codes = {code_of(mark) or notation.currency for mark in marks}
        unit = codes.pop() if len(codes) == 1 else (heading or notation.currency)
        return Column(name=name, kind="money", unit=unit)
    return Column(name=name, kind="number", unit=units.pop() if len(units) == 1 else None)


def _identifies(label: str, texts: Sequence[str], numbers: Sequence[Number], *, first: bool) -> bool:
    """Whole numbers that are names: under `No.`, `Cheque`, `SKU`, or long ones of one length."""
    plain = all(text.strip("#").isdigit() for text in texts)
    if not plain:
        return False
    if ID_HEADERS.fullmatch(label):
        return True
    lengths = {len(text) for text in texts}
    return len(texts) >= 2 and len(lengths) == 1 and lengths.pop() >= 6


def _heading_currency(name: str) -> str | None:
    """The currency in a header such as `Amount (EUR)` or `Price £`."""
    for word in name.replace("(", " ").replace(")", " ").replace("/", " ").replace(",", " ").split():
        mark = mark_of(word)
        if mark is not None and (mark in CODES or not mark.isalpha()):
            return code_of(mark)
    return None


def _money_by_name(label: str, numbers: Sequence[Number]) -> bool:
    """Two decimals throughout, or a header that speaks of money, and no quantity."""
    if QUANTITY_HEADERS.search(label):
        return False
    cents = sum(number.decimals == 2 for number in numbers)
    if any(number.decimals > 2 or number.decimals == 1 for number in numbers):
        return False
    return bool(MONEY_HEADERS.search(label)) or (cents == len(numbers) and _amounts(numbers))


def _amounts(numbers: Sequence[Number]) -> bool:
    return any(abs(number.value) >= Decimal(10) for number in numbers)


def _named(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Columns with distinct names, so that a plan can refer to one."""
    seen: dict[str, int] = {}
    named: list[Column] = []
    for column in columns:
        seen[column.name] = seen.get(column.name, 0) + 1
        again = seen[column.name] > 1 and column.name
        named.append(column.model_copy(update={"name": f"{column.name} ({seen[column.name]})"}) if again else column)
    return tuple(named)


def _text(runs: Sequence[Run]) -> str:
    return " ".join(row.text for row in rows_of(runs))
