"""What a calculation over a column throws together: amounts in different currencies, rows with their own sum."""

from __future__ import annotations

import re

from adapters.planning.paper import PaperView, TableView
from schemas import plans
from schemas.plans import Step

_CODE = re.compile(r"[A-Z]{3}")
_NAMES = frozenset({"currency", "ccy", "wahrung", "devise", "moneda", "divisa", "valuta", "monnaie"})


def mixed_currencies(step: Step, paper: PaperView) -> str | None:
    """What is to be said of a step over rows that a column of the table gives in several currencies."""
    match step:
        case plans.Aggregate(values=plans.ColumnValues() as values) | plans.Rank(values=plans.ColumnValues() as values):
            table, column, where = values.table, values.column, values.where
        case plans.Group(aggregate="count"):
            return None
        case plans.Group():
            table, column, where = step.table, step.column, step.where
        case plans.Count():
            table, where = step.table, step.where
            column = next((each.column for each in where if isinstance(each, plans.NumberCondition)), -1)
            if column < 0:
                return None
        case _:
            return None
    view = next((each for each in paper.tables if each.index == table), None)
    if view is None or view.columns[column].unit is not None or not _counts_money(view, column):
        return None
    found = _currencies(view, where)
    return f"the rows are in different currencies: {', '.join(sorted(found))}"[:400] if len(found) > 1 else None


def _counts_money(view: TableView, column: int) -> bool:
    said = view.columns[column]
    return not said.percent and not said.concepts & {"quantity"}


def _currencies(view: TableView, where: tuple[plans.Condition, ...]) -> set[str]:
    """The codes under a heading like "Currency", in the rows that conditions by row or by text leave."""
    at = next((c.index for c in view.columns if not c.numeric and set(c.stems) & _NAMES), None)
    if at is None:
        return set()
    found: set[str] = set()
    for index, row in enumerate(view.table.rows):
        if all(_kept(each, index, row[each.column].text if isinstance(each, plans.TextCondition) else "")
               for each in where):  # fmt: skip
            found.update(_CODE.findall(row[at].text))
    return found


def _kept(condition: plans.Condition, row: int, text: str) -> bool:
    match condition:
        case plans.RowsCondition():
            return row in condition.rows
        case plans.TextCondition():
            return any(each.casefold() in text.casefold() for each in condition.texts)
        case _:
            return True


def counted_twice(step: Step, paper: PaperView) -> str | None:
    """What is to be said of a step over rows whose last one is the sum of those above it: a total with another name."""
    values = step.values if isinstance(step, plans.Aggregate | plans.Rank) else None
    if not isinstance(values, plans.ColumnValues) or values.where:
        return None
    rows = [row for row in paper.document.tables[values.table].rows if row[values.column].value is not None]
    numbers = [value for row in rows if (value := row[values.column].value) is not None]
    if len(numbers) < 3 or abs(numbers[-1]) < _CHANCE or sum(numbers[:-1]) != numbers[-1]:
        return None
    name = "" if values.labels is None else " ".join(rows[-1][values.labels].text.split())
    return f'"{name or "the last row"}" is the sum of the rows above it and was counted with them'[:400]


# Small numbers add up by chance: 3 after 1 and 2.
_CHANCE = 20


def sums_a_whole(step: Step, paper: PaperView) -> bool:
    """Whether a step adds up all slices of a pie: that they make 100% answers nothing."""
    values = step.values if isinstance(step, plans.Aggregate) and step.op == "sum" else None
    if not isinstance(values, plans.FigureValues) or set(values.figures) != set(paper.points):
        return False
    return all(paper.document.figures[index].unit == "%" for index in values.figures)
