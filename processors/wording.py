"""Plans and numbers in words: titles of steps, amounts with their units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from schemas import plans
from schemas.documents import DocumentDescription

# Currencies whose smallest unit in use is the unit itself (ISO 4217 minor unit 0).
WHOLE_CURRENCIES = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)


def amount(value: Decimal, unit: str | None) -> str:
    """A number for people: thousands separated, cents for money, JPY and its like whole. `1,234.50 EUR`, `12.5%`."""
    if unit is not None and len(unit) == 3 and unit.isalpha() and unit.isupper():
        places = 0 if unit in WHOLE_CURRENCIES else 2
        exponent = value.as_tuple().exponent
        exact = isinstance(exponent, int) and -exponent > places and value != round_to(value, places)
        return f"{value.normalize():,f} {unit}" if exact else f"{round_to(value, places):,f} {unit}"
    text = f"{value:,f}"
    if unit == "%":
        return f"{text}%"
    return f"{text} {unit}" if unit else text


def round_to(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def column_name(document: DocumentDescription, table: int, column: int) -> str:
    return " ".join(document.tables[table].columns[column].name.split()) or f"column {column + 1}"


def figure_name(document: DocumentDescription, index: int) -> str:
    figure = document.figures[index]
    return " ".join(figure.label.split()) or figure.role.replace("_", " ")


def values_name(document: DocumentDescription, values: plans.Values) -> str:
    """What the values are, with their conditions: `Amount, where Item is "Pen"`."""
    if isinstance(values, plans.FigureValues):
        return "the printed values"
    if isinstance(values, plans.RowValues):
        return values.label or f"row {values.row + 1}"
    name = column_name(document, values.table, values.column)
    return f"{name}{conditions(document, values.table, values.where)}"


def conditions(document: DocumentDescription, table: int, where: tuple[plans.Condition, ...]) -> str:
    """`, where …`; empty without conditions."""
    parts = [_condition(document, table, each) for each in where]
    return f", {' and '.join(part for part in parts if part)}" if any(parts) else ""


_COMPARE = {"lt": "below", "le": "at most", "gt": "above", "ge": "at least", "eq": "equal to"}


def _condition(document: DocumentDescription, table: int, condition: plans.Condition) -> str:
    match condition:
        case plans.RowsCondition():
            return condition.because
        case plans.TextCondition():
            how = "is" if condition.match == "equals" else "contains"
            texts = " or ".join(f'"{text}"' for text in condition.texts)
            return f"where {column_name(document, table, condition.column)} {how} {texts}"
        case plans.NumberCondition():
            name = column_name(document, table, condition.column)
            if condition.compare == "between":
                return f"where {name} is between {condition.value:f} and {condition.upper:f}"
            return f"where {name} is {_COMPARE[condition.compare]} {condition.value:f}"


_AGGREGATE = {"sum": "sum", "mean": "average", "median": "median", "min": "lowest", "max": "highest"}
_ARITHMETIC = {
    "add": "sum of",
    "difference": "difference between",
    "product": "product of",
    "ratio": "ratio of",
    "share": "share, in percent, of",
    "change": "change, in percent, between",
}


def step_title(step: plans.Step, document: DocumentDescription) -> str:
    """What a step does, as a heading."""
    match step:
        case plans.LookupFigure():
            return f"Look up {figure_name(document, step.figure)}"
        case plans.LookupRole():
            return f"Look up the {step.role.replace('_', ' ')}"
        case plans.LookupCell():
            return f"Look up {column_name(document, step.table, step.column)} of {step.label or f'row {step.row + 1}'}"
        case plans.CellText():
            return f"Read {column_name(document, step.table, step.column)} of {step.label or f'row {step.row + 1}'}"
        case plans.Aggregate():
            return f"Take the {_AGGREGATE[step.op]} of {values_name(document, step.values)}"
        case plans.Rank():
            which = "highest" if step.op == "argmax" else "lowest"
            return f"Find the {f'{step.n} ' if step.n > 1 else ''}{which} of {values_name(document, step.values)}"
        case plans.Count():
            what = "rows" if step.distinct is None else f"different {column_name(document, step.table, step.distinct)}"
            return f"Count {what}{conditions(document, step.table, step.where)}"
        case plans.CountFigures():
            return "Count the printed values"
        case plans.ListRows():
            return f"List the rows{conditions(document, step.table, step.where)}"
        case plans.Arithmetic():
            return f"Take the {_ARITHMETIC[step.op]} step {step.left} and step {step.right}"
        case plans.Group():
            by, column = (column_name(document, step.table, index) for index in (step.by, step.column))
            return f"Group {column} by {by} ({step.aggregate}){conditions(document, step.table, step.where)}"
        case plans.Trend():
            return f"Follow {values_name(document, step.values)} from first to last"
        case plans.LineCheck():
            return "Check that quantity times unit price gives the amount in each row"
        case plans.Reconcile():
            return "Check that lines, subtotal and total add up"
        case plans.BalanceCheck():
            return "Check that the movements lead from balance to balance"
        case plans.Attribute():
            return f"Tell the document's {step.attribute}"
        case plans.PrintedText():
            return f"Quote the {step.label}"
        case plans.Summarise():
            return "Summarise the document"
        case plans.FreeForm():
            return "Answer in free form"
