"""A plan's answer computed from the document itself: the second, independent way beside the compiled program.

The program computes in the sandbox from `document.json`, this module from the typed values; the conclusion states a
compiled answer as fact only where both agree. Rounding is part of the vocabulary: means and medians to cents (or to
the finest place of their inputs), shares and changes to hundredths of a percent, ratios to four places, half up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from processors.checks import balance_checks, line_checks, reconcile_checks
from processors.selection import Picked, column_unit, picked, rows_where
from schemas import plans
from schemas.documents import Cell, DocumentDescription
from schemas.plan_bounds import role_figure
from schemas.plans import AnalysisPlan
from schemas.results import CellRef, Check, FigureRef, LineRef, Ref, Result, ResultRow

HUNDRED = Decimal(100)


@dataclass(slots=True)
class _Outcome:
    """A step's result while the plan is evaluated; `used` and `checks` in the order in which they came up."""

    kind: Literal["number", "text", "rows", "checks", "nothing"] = "number"
    value: Decimal | None = None
    unit: str | None = None
    text: str | None = None
    rows: list[ResultRow] = field(default_factory=list)
    used: list[Ref] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


def evaluate(plan: AnalysisPlan, document: DocumentDescription) -> Result:
    """The result of a typed plan that lies within the document. Raises ValueError for a free-form plan."""
    results = evaluate_steps(plan, document)
    return results[-1].model_copy(
        update={
            "used": tuple(dict.fromkeys(ref for result in results for ref in result.used))[:5000],
            "checks": tuple(check for result in results for check in result.checks)[:500],
        }
    )


def evaluate_steps(plan: AnalysisPlan, document: DocumentDescription) -> list[Result]:
    """One result for each step, each with what that step alone used and checked."""
    outcomes: list[_Outcome] = []
    for step in plan.steps:
        outcomes.append(_step(step, document, outcomes))
    return [
        Result(
            kind=each.kind,
            value=each.value,
            unit=each.unit,
            text=each.text,
            rows=tuple(each.rows[:500]),
            used=tuple(dict.fromkeys(each.used))[:5000],
            checks=tuple(each.checks)[:500],
        )
        for each in outcomes
    ]


def _step(step: plans.Step, document: DocumentDescription, before: Sequence[_Outcome]) -> _Outcome:
    match step:
        case plans.LookupFigure():
            return _figure(document, step.figure)
        case plans.LookupRole():
            index = role_figure(document, step.role)
            return _Outcome(kind="nothing") if index is None else _figure(document, index)
        case plans.LookupCell():
            return _cell(step, document)
        case plans.Aggregate():
            return _aggregate(step, document)
        case plans.Rank():
            return _rank(step, document)
        case plans.Count():
            return _count(step, document)
        case plans.CountFigures():
            return _Outcome(value=Decimal(len(step.figures)), used=[FigureRef(figure=i) for i in step.figures])
        case plans.ListRows():
            return _list(step, document)
        case plans.Arithmetic():
            return _arithmetic(step, before[step.left], before[step.right])
        case plans.Group():
            return _group(step, document)
        case plans.Trend():
            return _trend(step, document)
        case plans.LineCheck():
            return _checked(*line_checks(step, document))
        case plans.Reconcile():
            return _checked(*reconcile_checks(step, document))
        case plans.BalanceCheck():
            return _checked(*balance_checks(step, document))
        case plans.Attribute():
            return _attribute(step, document)
        case plans.PrintedText():
            return _Outcome(kind="text", text=step.text, used=[LineRef(line=step.line)])
        case plans.CellText():
            cell = document.tables[step.table].rows[step.row][step.column]
            ref = CellRef(table=step.table, row=step.row, column=step.column)
            return _Outcome(kind="text" if cell.text.strip() else "nothing", text=cell.text.strip() or None, used=[ref])
        case plans.Summarise():
            figures = [document.figures[index] for index in step.figures]
            return _Outcome(
                kind="rows",
                text=document.kind,
                rows=[ResultRow(label=figure.label[:400], value=figure.value) for figure in figures],
                used=[FigureRef(figure=index) for index in step.figures],
            )
        case plans.FreeForm():
            raise ValueError("a free-form plan has no typed evaluation")


def _figure(document: DocumentDescription, index: int) -> _Outcome:
    figure = document.figures[index]
    return _Outcome(value=figure.value, unit=figure.unit, used=[FigureRef(figure=index)])


def _cell(step: plans.LookupCell, document: DocumentDescription) -> _Outcome:
    table = document.tables[step.table]
    cell: Cell = (table.summary_rows if step.summary else table.rows)[step.row][step.column]
    ref = CellRef(table=step.table, row=step.row, column=step.column, summary=step.summary)
    if cell.value is None:
        return _Outcome(kind="nothing", used=[ref])
    return _Outcome(value=cell.value, unit=column_unit(document, step.table, step.column), used=[ref])


def _unread(picks: Picked) -> list[Check]:
    if not picks.unread:
        return []
    return [
        Check(name="every cell could be read as a number", ok=False, expected=Decimal(0), found=Decimal(picks.unread))
    ]


def _aggregate(step: plans.Aggregate, document: DocumentDescription) -> _Outcome:
    picks = picked(step.values, document)
    outcome = _Outcome(unit=picks.unit, used=picks.refs, checks=_unread(picks))
    numbers = picks.numbers
    if not numbers:
        outcome.kind = "nothing"
        return outcome
    places = max(2, *(_places(number) for number in numbers))
    match step.op:
        case "sum":
            outcome.value = sum(numbers, Decimal(0))
        case "mean":
            outcome.value = rounded(sum(numbers, Decimal(0)) / len(numbers), places)
        case "median":
            ordered = sorted(numbers)
            middle = len(ordered) // 2
            odd = len(ordered) % 2 == 1
            outcome.value = ordered[middle] if odd else rounded((ordered[middle - 1] + ordered[middle]) / 2, places)
        case "min":
            outcome.value = min(numbers)
        case "max":
            outcome.value = max(numbers)
    return outcome


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def rounded(number: Decimal, places: int) -> Decimal:
    """Half up, and without zeros that say nothing beyond the second place."""
    result = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return result.to_integral_value() if result == result.to_integral_value() else result


def _rank(step: plans.Rank, document: DocumentDescription) -> _Outcome:
    picks = picked(step.values, document)
    outcome = _Outcome(unit=picks.unit, used=picks.refs, checks=_unread(picks))
    pairs = list(zip(picks.labels, picks.numbers, strict=True))
    if not pairs:
        outcome.kind = "nothing"
        return outcome
    pairs.sort(key=lambda pair: pair[1], reverse=step.op == "argmax")
    threshold = pairs[min(step.n, len(pairs)) - 1][1]
    chosen = [pair for pair in pairs if (pair[1] >= threshold if step.op == "argmax" else pair[1] <= threshold)]
    outcome.value = pairs[0][1]
    outcome.text = ", ".join(label for label, value in chosen if value == pairs[0][1] or step.n > 1) or None
    outcome.rows = [ResultRow(label=label, value=value) for label, value in chosen]
    return outcome


def _count(step: plans.Count, document: DocumentDescription) -> _Outcome:
    table = document.tables[step.table]
    rows = rows_where(step.where, document, step.table)
    if step.distinct is None:
        return _Outcome(value=Decimal(len(rows)))
    column = step.distinct
    texts = {" ".join(table.rows[row][column].text.casefold().split()) for row in rows}
    refs: list[Ref] = [CellRef(table=step.table, row=row, column=column) for row in rows]
    return _Outcome(value=Decimal(len(texts - {""})), used=refs)


def _list(step: plans.ListRows, document: DocumentDescription) -> _Outcome:
    table = document.tables[step.table]
    outcome = _Outcome(kind="rows")
    for row in rows_where(step.where, document, step.table):
        cells = table.rows[row]
        value = None if step.column is None else cells[step.column].value
        outcome.rows.append(ResultRow(label=cells[step.labels].text.strip()[:400], value=value))
        outcome.used.append(CellRef(table=step.table, row=row, column=step.labels))
        if step.column is not None and value is not None:
            outcome.used.append(CellRef(table=step.table, row=row, column=step.column))
    if step.column is not None:
        outcome.unit = column_unit(document, step.table, step.column)
    outcome.text = "; ".join(row.label for row in outcome.rows)[:4000] or None
    return outcome


def _arithmetic(step: plans.Arithmetic, left: _Outcome, right: _Outcome) -> _Outcome:
    a, b = left.value, right.value
    if a is None or b is None:
        return _Outcome(kind="nothing")
    same = left.unit == right.unit
    outcome = _Outcome(unit=left.unit if same else left.unit or right.unit)
    if not same and left.unit and right.unit and step.op != "product":
        outcome.checks.append(Check(name=f"both sides are in one unit ({left.unit}, {right.unit})", ok=False))
    match step.op:
        case "add":
            outcome.value = a + b
        case "difference":
            outcome.value = abs(a - b) if step.absolute else a - b
        case "product":
            outcome.value = a * b
        case _ if (a if step.op == "change" else b) == 0:
            return _Outcome(kind="nothing")
        case "ratio":
            outcome.value, outcome.unit = rounded(a / b, 4), None
        case "share":
            outcome.value, outcome.unit = rounded(a * HUNDRED / b, 2), "%"
        case "change":
            outcome.value, outcome.unit = rounded((b - a) * HUNDRED / abs(a), 2), "%"
    return outcome


def _group(step: plans.Group, document: DocumentDescription) -> _Outcome:
    table = document.tables[step.table]
    groups: dict[str, list[Decimal]] = {}
    names: dict[str, str] = {}
    unread = 0
    outcome = _Outcome(kind="rows", unit=column_unit(document, step.table, step.column))
    for row in rows_where(step.where, document, step.table):
        name, cell = " ".join(table.rows[row][step.by].text.split()), table.rows[row][step.column]
        if not name:
            continue
        key = name.casefold()
        names.setdefault(key, name)
        if cell.value is not None:
            groups.setdefault(key, []).append(cell.value)
            outcome.used.append(CellRef(table=step.table, row=row, column=step.column))
        elif step.aggregate == "count":
            groups.setdefault(key, []).append(Decimal(0))
        elif cell.text.strip():
            unread += 1
    outcome.checks = _unread(Picked(unread=unread))
    totals = [(names[key], _of_group(step.aggregate, numbers)) for key, numbers in groups.items()]
    if step.aggregate == "count":
        outcome.unit = None
    if step.order != "document":
        totals.sort(key=lambda pair: pair[1], reverse=step.order == "greatest")
    totals = totals[: step.n] if step.n else totals
    outcome.rows = [ResultRow(label=name[:400], value=value) for name, value in totals]
    if not totals:
        outcome.kind = "nothing"
    elif step.order != "document":
        outcome.value, outcome.text = totals[0][1], totals[0][0][:400]
    return outcome


def _of_group(aggregate: str, numbers: Sequence[Decimal]) -> Decimal:
    match aggregate:
        case "count":
            return Decimal(len(numbers))
        case "mean":
            return rounded(sum(numbers, Decimal(0)) / len(numbers), max(2, *(_places(number) for number in numbers)))
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case _:
            return sum(numbers, Decimal(0))


def _trend(step: plans.Trend, document: DocumentDescription) -> _Outcome:
    picks = picked(step.values, document)
    outcome = _Outcome(unit=picks.unit, used=picks.refs, checks=_unread(picks))
    if len(picks.numbers) < 2:
        outcome.kind = "nothing"
        return outcome
    first, last = picks.numbers[0], picks.numbers[-1]
    steps = [b - a for a, b in zip(picks.numbers, picks.numbers[1:], strict=False)]
    if all(change == 0 for change in steps):
        outcome.text = "flat"
    elif all(change >= 0 for change in steps):
        outcome.text = "rising throughout"
    elif all(change <= 0 for change in steps):
        outcome.text = "falling throughout"
    else:
        outcome.text = "rising overall" if last > first else "falling overall" if last < first else "level overall"
    outcome.value = last - first
    outcome.rows = [
        ResultRow(label=label, value=value) for label, value in zip(picks.labels, picks.numbers, strict=True)
    ]
    return outcome


def _checked(checks: Sequence[Check], used: Sequence[Ref]) -> _Outcome:
    if not checks:
        return _Outcome(kind="nothing", used=list(used))
    good = all(check.ok for check in checks)
    return _Outcome(kind="checks", text="yes" if good else "no", checks=list(checks), used=list(used))


def _attribute(step: plans.Attribute, document: DocumentDescription) -> _Outcome:
    match step.attribute:
        case "kind":
            text: str | None = document.kind if document.kind != "unknown" else None
        case "date":
            text = document.date.isoformat() if document.date is not None else None
        case "currency":
            text = document.currency
    return _Outcome(kind="text" if text else "nothing", text=text)
