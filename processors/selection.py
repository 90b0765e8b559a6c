"""Which rows and numbers of a document a plan's `Values` and conditions pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from schemas import plans
from schemas.documents import Cell, DocumentDescription
from schemas.results import CellRef, FigureRef, Ref


@dataclass(slots=True)
class Picked:
    """Numbers with their names and references, in the document's order. `unread` counts cells that hold text but no
    number; empty cells are no values and are passed over."""

    numbers: list[Decimal] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    unit: str | None = None
    unread: int = 0


def picked(values: plans.Values, document: DocumentDescription) -> Picked:
    """The numbers that `values` names."""
    if isinstance(values, plans.FigureValues):
        return _figures(values, document)
    if isinstance(values, plans.RowValues):
        return _across(values, document)
    table = document.tables[values.table]
    result = Picked(unit=column_unit(document, values.table, values.column))
    for row in rows_where(values.where, document, values.table):
        cell = table.rows[row][values.column]
        if cell.value is None:
            result.unread += bool(cell.text.strip())
            continue
        result.numbers.append(cell.value)
        result.labels.append(_row_label(table.rows[row], values.labels, row))
        result.refs.append(CellRef(table=values.table, row=row, column=values.column))
    return result


def column_unit(document: DocumentDescription, table: int, column: int) -> str | None:
    """The unit of a column's numbers; money without one is in the document's currency."""
    entry = document.tables[table].columns[column]
    if entry.unit is None and entry.kind == "percent":
        return "%"
    return document.currency if entry.unit is None and entry.kind == "money" else entry.unit


def _across(values: plans.RowValues, document: DocumentDescription) -> Picked:
    cells = document.tables[values.table].rows[values.row]
    units = {column_unit(document, values.table, column) for column in values.columns}
    result = Picked(unit=units.pop() if len(units) == 1 else None)
    for column in values.columns:
        value = cells[column].value
        if value is None:
            result.unread += bool(cells[column].text.strip())
            continue
        result.numbers.append(value)
        result.labels.append(
            " ".join(document.tables[values.table].columns[column].name.split())[:400] or f"column {column + 1}"
        )
        result.refs.append(CellRef(table=values.table, row=values.row, column=column))
    return result


def _row_label(cells: Sequence[Cell], column: int | None, row: int) -> str:
    text = "" if column is None else " ".join(cells[column].text.split())
    return text[:400] or f"row {row + 1}"


def _figures(values: plans.FigureValues, document: DocumentDescription) -> Picked:
    chosen = [document.figures[index] for index in values.figures]
    units = {figure.unit for figure in chosen}
    return Picked(
        numbers=[figure.value for figure in chosen],
        labels=[
            " ".join(figure.label.split())[:400] or f"figure {index}"
            for index, figure in zip(values.figures, chosen, strict=True)
        ],
        refs=[FigureRef(figure=index) for index in values.figures],
        unit=units.pop() if len(units) == 1 else None,
    )


def rows_where(where: Sequence[plans.Condition], document: DocumentDescription, table: int) -> list[int]:
    """Indices of the rows that fulfil every condition, in order."""
    rows = document.tables[table].rows
    return [index for index, cells in enumerate(rows) if all(_holds(each, index, cells) for each in where)]


def _holds(condition: plans.Condition, index: int, cells: Sequence[Cell]) -> bool:
    match condition:
        case plans.RowsCondition():
            return index in condition.rows
        case plans.TextCondition():
            text = normal(cells[condition.column].text)
            wanted = [normal(each) for each in condition.texts]
            return text in wanted if condition.match == "equals" else any(each in text for each in wanted)
        case plans.NumberCondition():
            value = cells[condition.column].value
            return value is not None and _compares(value, condition)


def normal(text: str) -> str:
    """Text as conditions compare it: without case and with single spaces."""
    return " ".join(text.casefold().split())


def _compares(value: Decimal, condition: plans.NumberCondition) -> bool:
    match condition.compare:
        case "lt":
            return value < condition.value
        case "le":
            return value <= condition.value
        case "gt":
            return value > condition.value
        case "ge":
            return value >= condition.value
        case "eq":
            return value == condition.value
        case "between":
            return condition.upper is not None and condition.value <= value <= condition.upper
