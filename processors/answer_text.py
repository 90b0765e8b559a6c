"""Results in words for people. Every number said comes from a result or from the document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from processors.wording import amount, conditions, figure_name, step_title, values_name
from schemas import plans
from schemas.documents import DocumentDescription
from schemas.plan_bounds import role_figure
from schemas.plans import AnalysisPlan
from schemas.results import Check, Result, ResultRow

_LISTED = 12
_AGGREGATE = {"sum": "Sum", "mean": "Average", "median": "Median", "min": "Lowest", "max": "Highest"}
_KINDS = {"text": "a page of text", "photo": "a photograph", "invoice": "an invoice", "estimate": "an estimate"}


def answer_text(plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription) -> str:
    """The answer's first sentence: what the last step gave. `steps` are the results of all steps."""
    return _of_step(len(plan.steps) - 1, plan, steps, document)


def _of_step(at: int, plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription) -> str:
    step, result = plan.steps[at], steps[at]
    value = "nothing" if result.value is None else amount(result.value, result.unit)
    match step:
        case plans.LookupFigure() | plans.LookupRole():
            index = step.figure if isinstance(step, plans.LookupFigure) else role_figure(document, step.role)
            name = "Value" if index is None else figure_name(document, index)
            return f"{_capital(name)}: {value}."
        case plans.LookupCell():
            name = document.tables[step.table].columns[step.column].name.strip() or "Value"
            return f"{_capital(name)} of {step.label}: {value}." if step.label else f"{_capital(name)}: {value}."
        case plans.Aggregate():
            count = len(result.used)
            of = f"{count} value{'s' * (count != 1)}"
            return f"{_AGGREGATE[step.op]} of {values_name(document, step.values)}: {value} ({of})."
        case plans.Rank():
            return _ranked(step, result, document)
        case plans.Count():
            return _counted(step, result, document)
        case plans.CountFigures():
            return f"{value} values."
        case plans.ListRows():
            if not result.rows:
                return f"None{conditions(document, step.table, step.where)}."
            return f"{len(result.rows)} row{'s' * (len(result.rows) != 1)}: {_rows(result.rows, result.unit)}."
        case plans.Group():
            return f"{_rows(result.rows, result.unit)}."
        case plans.Trend():
            first, last = result.rows[0], result.rows[-1]
            ends = f"from {_row(first, result.unit)} to {_row(last, result.unit)}"
            return f"{_capital(result.text or '')}: {ends}, a change of {value}."
        case plans.Arithmetic():
            return f"{_arithmetic(step, plan, steps, document)}: {value}."
        case plans.LineCheck() | plans.Reconcile() | plans.BalanceCheck():
            return _checked(result.checks, document.currency)
        case plans.Attribute():
            return f"{_capital(step.attribute)}: {result.text}."
        case plans.PrintedText():
            return f"{_capital(step.label)}: {result.text}."
        case plans.CellText():
            return f"{_capital(step.label)}: {result.text}." if step.label else f"{result.text}."
        case plans.Summarise():
            return _summary(result, document)
        case plans.FreeForm():
            return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(row: ResultRow, unit: str | None) -> str:
    return row.label if row.value is None else f"{row.label} ({amount(row.value, unit)})"


def _rows(rows: Sequence[ResultRow], unit: str | None) -> str:
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return ", ".join(_row(row, unit) for row in rows[:_LISTED]) + more


def _ranked(step: plans.Rank, result: Result, document: DocumentDescription) -> str:
    which = "Highest" if step.op == "argmax" else "Lowest"
    name = values_name(document, step.values)
    if step.n > 1:
        return f"{which} by {name}: {_rows(result.rows, result.unit)}."
    tied = f"{result.text} (tied)" if len(result.rows) > 1 else result.text
    return f"{tied}, with the {which.lower()} {name}: {amount(result.value or Decimal(0), result.unit)}."


def _counted(step: plans.Count, result: Result, document: DocumentDescription) -> str:
    one = result.value == 1
    if step.distinct is None:
        what = "row" if one else "rows"
    else:
        what = f"different {document.tables[step.table].columns[step.distinct].name.strip() or 'values'}"
    return f"{result.value:f} {what}{conditions(document, step.table, step.where)}."


_SIGNS = {"add": " + ", "difference": " − ", "product": " × ", "ratio": " / ", "share": " as a share of "}


def _arithmetic(
    step: plans.Arithmetic, plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription
) -> str:
    left, right = (_operand(at, plan, steps, document) for at in (step.left, step.right))
    if step.op == "change":
        return f"Change from {left} to {right}"
    if step.op == "difference" and step.absolute:
        return f"Difference between {left} and {right}"
    return f"{_capital(left)}{_SIGNS[step.op]}{right}"


def _operand(at: int, plan: AnalysisPlan, steps: Sequence[Result], document: DocumentDescription) -> str:
    """What a step gave, short: `June (21,000.00 USD)`."""
    step, result = plan.steps[at], steps[at]
    match step:
        case plans.LookupCell() if step.label:
            name = step.label
        case plans.LookupFigure():
            name = figure_name(document, step.figure)
        case plans.Rank() if result.text:
            name = result.text
        case _:
            name = step_title(step, document).removeprefix("Look up ").removeprefix("Take ")
    return f"{name} ({'nothing' if result.value is None else amount(result.value, result.unit)})"


def _checked(checks: Sequence[Check], currency: str | None) -> str:
    wrong = [check for check in checks if not check.ok]
    if not wrong:
        return f"Yes, it adds up: {_holding(checks, currency)}."
    return f"No, it does not add up: {'; '.join(contradiction(check, currency) for check in wrong[:5])}."


def _holding(checks: Sequence[Check], currency: str | None) -> str:
    if len(checks) > 3:
        return f"all {len(checks)} checks hold"
    return "; ".join(
        check.name if check.found is None else f"{check.name} ({amount(check.found, currency)})" for check in checks
    )


def contradiction(check: Check, currency: str | None) -> str:
    """A check that does not hold, in words: what arithmetic gives and what is printed."""
    if check.expected is None or check.found is None:
        return f"{check.name} does not hold"
    if check.name.startswith("every "):
        return f"{check.found:f} cell{'s' * (check.found != 1)} could not be read"
    return f"{check.name}: gives {amount(check.expected, currency)}, printed {amount(check.found, currency)}"


def _summary(result: Result, document: DocumentDescription) -> str:
    kind = _KINDS.get(document.kind, "a document" if document.kind == "unknown" else f"a {document.kind}")
    said = f"This looks like {kind}"
    if document.date is not None:
        said += f" of {document.date.isoformat()}"
    if document.currency is not None:
        said += f" in {document.currency}"
    if not result.rows:
        tables = [len(table.rows) for table in document.tables]
        return said + (f" with a table of {tables[0]} rows." if tables else " with no figures that could be read.")
    figures = [
        f"{row.label or 'value'}: {amount(row.value, document.figures[ref.figure].unit)}"
        for row, ref in zip(result.rows, result.used, strict=False)
        if row.value is not None and ref.kind == "figure"
    ]
    return f"{said}. {'; '.join(figures)}."


_NUMBER = re.compile(r"\d(?:[\d,.' \u00a0\u202f]*\d)?")


def numbers_from_nowhere(text: str, results: Sequence[Result], document: DocumentDescription, said: str) -> list[str]:
    """Numbers of the answer's text that stand neither in a result nor in the document nor in `said` (the question
    and the plan's own words)."""
    known: set[Decimal] = set()
    for result in results:
        known |= {number for number in (result.value, *(row.value for row in result.rows)) if number is not None}
        known |= {n for check in result.checks for n in (check.expected, check.found) if n is not None}
        known |= {Decimal(len(result.rows)), Decimal(len(result.used)), Decimal(len(result.checks))}
        known |= {Decimal(max(0, len(result.rows) - _LISTED))}
        known |= {number for check in result.checks for number in _numbers(check.name)}
    known |= {figure.value for figure in document.figures}
    texts = [said, *(line.text for line in document.lines), *(figure.label for figure in document.figures)]
    for table in document.tables:
        known |= {cell.value for row in (*table.rows, *table.summary_rows) for cell in row if cell.value is not None}
        known.add(Decimal(len(table.rows)))
        texts += [cell.text for row in table.rows for cell in row] + [column.name for column in table.columns]
    known |= {number for each in texts for number in _numbers(each)}
    if document.date is not None:
        known |= {Decimal(document.date.year), Decimal(document.date.month), Decimal(document.date.day)}
    sizes = {abs(number) for number in known} | {abs(round(number, 2)) for number in known}

    def stands(digits: str) -> bool:
        parts = digits.split()
        return bool(_readings(digits) & sizes) or (len(parts) > 1 and all(_readings(part) & sizes for part in parts))

    return [found.group() for found in _NUMBER.finditer(text) if not stands(found.group())]


def _numbers(text: str) -> set[Decimal]:
    runs = [found.group() for found in _NUMBER.finditer(text)]
    return {reading for run in runs for part in (run, *run.split()) for reading in _readings(part)}


def _readings(text: str) -> set[Decimal]:
    """What a run of digits may mean: with comma or point as the decimal sign, or as separate numbers."""
    readings: set[Decimal] = set()
    bare = re.sub(r"[' \u00a0\u202f]", "", text)
    for candidate in (bare.replace(",", ""), bare.replace(".", "").replace(",", ".")):
        try:
            readings.add(Decimal(candidate))
        except InvalidOperation:
            continue
    if not readings:
        readings |= {Decimal(digits) for digits in re.findall(r"\d+", text)}
    return readings
