"""Whether a plan points inside its document: every index exists and every printed text is printed."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import plans
from schemas.documents import Document, DocumentDescription
from schemas.plans import AnalysisPlan


def out_of_bounds(plan: AnalysisPlan, document: DocumentDescription) -> str | None:
    """Why the plan does not fit the document, for people; None when it does."""
    return next(_problems(plan, document), None)


def _problems(plan: AnalysisPlan, document: DocumentDescription) -> Iterator[str]:
    for number, step in enumerate(plan.steps):
        for problem in _step_problems(step, document):
            yield f"step {number} ({step.op}): {problem}"


def _step_problems(step: plans.Step, document: DocumentDescription) -> Iterator[str]:
    match step:
        case plans.LookupFigure():
            yield from _figures(document, step.figure)
        case plans.LookupRole():
            if role_figure(document, step.role) is None:
                yield f"the document has no figure of role {step.role}"
        case plans.LookupCell():
            yield from _cell(document, step.table, step.row, step.column, summary=step.summary)
        case plans.CellText():
            yield from _cell(document, step.table, step.row, step.column, summary=False)
        case plans.Aggregate() | plans.Rank() | plans.Trend():
            yield from _values(document, step.values)
        case plans.CountFigures() | plans.Summarise():
            yield from _figures(document, *step.figures)
        case plans.Count():
            yield from _columns(document, step.table, step.distinct)
            yield from _conditions(document, step.table, step.where)
        case plans.ListRows():
            yield from _columns(document, step.table, step.labels, step.column)
            yield from _conditions(document, step.table, step.where)
        case plans.Group():
            yield from _columns(document, step.table, step.by, step.column)
            yield from _conditions(document, step.table, step.where)
        case plans.LineCheck():
            yield from _columns(document, step.table, step.quantity, step.unit_price, step.amount)
        case plans.Reconcile():
            if step.lines is not None:
                yield from _values(document, step.lines)
            yield from _figures(document, step.subtotal, *step.added, *step.deducted, step.total)
        case plans.BalanceCheck():
            yield from _columns(document, step.table, step.balance, step.amount, step.debit, step.credit)
            yield from _figures(document, step.opening, step.closing)
        case plans.PrintedText():
            if step.line >= len(document.lines):
                yield f"there is no line {step.line}"
            elif step.text not in document.lines[step.line].text:
                yield f"line {step.line} does not say {step.text!r}"
        case _:
            pass


def _figures(document: Document, *indices: int | None) -> Iterator[str]:
    for index in indices:
        if index is not None and index >= len(document.figures):
            yield f"there is no figure {index}"


def _columns(document: Document, table: int, *columns: int | None) -> Iterator[str]:
    if table >= len(document.tables):
        yield f"there is no table {table}"
        return
    for column in columns:
        if column is not None and column >= len(document.tables[table].columns):
            yield f"table {table} has no column {column}"


def _cell(document: Document, table: int, row: int, column: int, *, summary: bool) -> Iterator[str]:
    yield from _columns(document, table, column)
    if table < len(document.tables):
        rows = document.tables[table].summary_rows if summary else document.tables[table].rows
        if row >= len(rows):
            yield f"table {table} has no row {row}"


def _values(document: Document, values: plans.Values) -> Iterator[str]:
    if isinstance(values, plans.FigureValues):
        yield from _figures(document, *values.figures)
    elif isinstance(values, plans.RowValues):
        for column in values.columns:
            yield from _cell(document, values.table, values.row, column, summary=False)
    else:
        yield from _columns(document, values.table, values.column, values.labels)
        yield from _conditions(document, values.table, values.where)


def _conditions(document: Document, table: int, where: tuple[plans.Condition, ...]) -> Iterator[str]:
    for condition in where:
        if isinstance(condition, plans.RowsCondition):
            if table < len(document.tables):
                for row in condition.rows:
                    if row >= len(document.tables[table].rows):
                        yield f"table {table} has no row {row}"
        else:
            yield from _columns(document, table, condition.column)


def role_figure(document: Document, role: str) -> int | None:
    """Index of the figure that `LookupRole` means: the stated total for `total`, else the last of the role."""
    if role == "total" and document.total_figure is not None and document.total_figure < len(document.figures):
        return document.total_figure
    found = [index for index, figure in enumerate(document.figures) if figure.role == role]
    return found[-1] if found else None
