"""Readings that put rows or points in order: the greatest, the least, all of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from adapters.planning.choosing import (
    all_negative,
    chosen_measure,
    chosen_rows,
    chosen_table,
    debits_only,
    group_column,
    item_rows,
    person_column,
    repeats,
    row_words,
    title_parts,
    title_words,
    top_n,
)
from adapters.planning.measures import Measure, amount_column, measures
from adapters.planning.outcome import Outcome, Reading
from adapters.planning.paper import PaperView, TableView, concepts_of, is_currency
from adapters.planning.question import Question
from adapters.planning.small_words import AND
from schemas import plans
from schemas.plans import Step


def extremes(question: Question, paper: PaperView) -> Outcome:
    greatest, least = question.has("max", "dearest"), question.has("min", "cheapest")
    if greatest == least or question.has("mean", "median", "ratio", "difference", "second"):
        return None
    view = chosen_table(question, paper)
    measure = chosen_measure(question, paper, view) or _priced(question, paper) or _agreed(question, paper, view)
    if measure is None or (question.has("share") and not _in_percent(measure, paper)):
        return None
    names = ("max", "dearest") if greatest else ("min", "cheapest")
    used = measure.used | question.spans(*names, "share")
    if measure.table is None and not paper.points:
        used |= question.spans("row")
    if measure.column is not None and not measure.used and not measure.column.money:
        used |= question.spans("quantity")  # hours, of the column that adds up the days
    if measure.column is not None and not measure.used and "total" in measure.column.concepts:
        used |= question.spans("balance", "amount_due")
    if question.has("dearest", "cheapest") and measure.column is not None:
        rate = measure.column.percent and "unit_price" in measure.column.concepts
        if rate or "quantity" in measure.column.concepts:
            return None
    if question.has("dearest", "cheapest") or (measure.column is not None and measure.column.money):
        used |= question.spans("cost", "price", "pay", "line_amount")
    n, at = top_n(question, *names)
    used |= at | _and_how_many(question, paper, measure)
    condition = chosen_rows(question, view, measure, used)
    condition = replace(condition, where=(*condition.where, *item_rows(question, paper, view)))
    used |= condition.used
    grouped = group_column(question, view, measure, condition)
    if question.has("who"):
        person = person_column(view)
        if person is None or view is None or measure.table is None:
            return None
        used |= question.spans("who")
        if person != view.labels or repeats(view, person):
            grouped = person
    used |= row_words(question, view) | title_words(question, paper, measure)
    if (spent := _among_earnings(question, measure)) is not None:
        if not spent:
            return None
        condition = replace(condition, where=(*condition.where, *spent))
        greatest = not greatest
    if question.has("dearest", "cheapest") and measure.column is not None and not measure.where:
        amounts = [row[measure.column.index].value or Decimal(0) for row in view.table.rows] if view is not None else []
        if min(amounts, default=0) < 0 < max(amounts, default=0):
            if paper.document.kind not in ("receipt", "invoice", "estimate"):
                return None  # what came in costs nothing
            priced = plans.NumberCondition(column=measure.column.index, compare="gt", value=Decimal(0))
            condition = replace(condition, where=(*condition.where, priced))
    if all_negative(measure) or (debits_only(measure) and question.has("debit", "expense", "pay")):
        greatest = not greatest
    if grouped is not None and view is not None and measure.column is not None and not question.has("single"):
        step: Step = plans.Group(
            table=view.index, by=grouped, column=measure.column.index, where=(*measure.where, *condition.where),
            order="greatest" if greatest else "least", n=n,
        )  # fmt: skip
        return Reading((step,), used, assumption=_by_single_rows(question, view, measure, grouped, greatest))
    values = measure.values(condition.where)
    if grouped is not None and isinstance(values, plans.ColumnValues):
        values = values.model_copy(update={"labels": grouped})
    rank = plans.Rank(op="argmax" if greatest else "argmin", values=values, n=n)
    return Reading((rank,), used, assumption=_by_which_price(question, measure))


def _in_percent(measure: Measure, paper: PaperView) -> bool:
    if measure.column is not None:
        return measure.column.percent
    return all(paper.document.figures[index].unit == "%" for index in measure.points)


def _among_earnings(question: Question, measure: Measure) -> tuple[plans.Condition, ...] | None:
    """`which cost was highest` over an account that holds revenue too: the amounts printed as negative; no condition
    where costs are not told by their sign. None where every row may be meant."""
    view, column = measure.table, measure.column
    if view is None or column is None or view.labels is None or measure.where:
        return None
    if not question.has("cost", "expense") or column.concepts & {"cost", "expense", "debit", "unit_price", "price"}:
        return None
    values = [value for row in view.table.rows if (value := row[column.index].value) is not None]
    if any(value < 0 for value in values):
        below = plans.NumberCondition(column=column.index, compare="lt", value=Decimal(0))
        return (below,) if any(value > 0 for value in values) else None
    return () if any(concepts_of(row[view.labels].text) & _EARNED for row in view.table.rows) else None


_EARNED = frozenset({"revenue", "income", "profit"})


def _by_single_rows(question: Question, view: TableView, measure: Measure, grouped: int, greatest: bool) -> str | None:
    """What is taken for granted of "which customer has the largest invoice": that invoices of one are added up, where
    the largest by itself is another's."""
    if measure.column is None or question.has("sum", "total") or question.spans("who"):
        return None
    at = measure.column.index
    known = [(value, row[grouped].text) for row in view.table.rows if (value := row[at].value) is not None]
    together: dict[str, Decimal] = {}
    for value, name in known:
        together[name] = together.get(name, Decimal(0)) + value
    best = max if greatest else min
    alone, summed = best(known)[1], best(together, key=lambda name: together[name])
    if alone == summed:
        return None
    name = view.columns[grouped].name
    return f'rows of one "{name}" are added up; by single rows it would be "{alone}"'[:400]


def _agreed(question: Question, paper: PaperView, view: TableView | None) -> Measure | None:
    """The first of several columns that all have their extreme in one row: whichever is meant, the answer is that."""
    named = question.rows or question.numbers or question.has("pay") or (view and measures(question, paper, view))
    if view is None or len(view.numeric) < 2 or named:
        return None
    best = max if question.has("max", "dearest") else min
    found: set[int] = set()
    for column in view.numeric:
        known = [(value, -row) for row, cells in enumerate(view.table.rows) if (value := cells[column.index].value)]
        values = [value for value, _ in known]
        if not known or min(values) < 0 or values.count(best(values)) > 1:
            return None
        found.add(-best(known)[1])
    return Measure(view, view.numeric[0], (), frozenset()) if len(found) == 1 else None


def _priced(question: Question, paper: PaperView) -> Measure | None:
    """What a price list names beside its prices, where it is no table: money only, in one currency, with no sums."""
    figures = paper.document.figures
    prices = len(figures) > 2 and {figure.role for figure in figures} == {"other"}
    if paper.tables or not prices or not question.has("dearest", "cheapest"):
        return None
    units = {figure.unit for figure in figures}
    money = len(units) == 1 and all(map(is_currency, units))
    return Measure(None, None, tuple(range(len(figures))), frozenset()) if money else None


def _by_which_price(question: Question, measure: Measure) -> str | None:
    """What is taken for granted of "the dearest position" where one has the highest price and another the highest
    amount, and the question names neither."""
    view, column = measure.table, measure.column
    if view is None or column is None or measure.used or not question.has("dearest", "cheapest"):
        return None
    amount = amount_column(view)
    if amount is None or amount.index == column.index or not column.concepts & {"unit_price", "price"}:
        return None
    best = max if question.has("dearest") else min
    firsts = []
    for at in (column.index, amount.index):
        known = [(row[at].value, -i) for i, row in enumerate(view.table.rows) if row[at].value is not None]
        firsts.append(best(known)[1] if known else None)
    if firsts[0] == firsts[1]:
        return None
    return f'it goes by "{column.name}"; by "{amount.name}" it would be another'[:400]


def _and_how_many(question: Question, paper: PaperView, measure: Measure) -> frozenset[int]:
    """`which quarter shipped the most, and how many`: the extreme's own number, unless something else is counted."""
    money = measure.column is not None and measure.column.money
    own = title_words(question, paper, measure) | measure.used | question.spans("quantity")
    for span in question.concepts.get("count", ()):
        before = question.words[span.start - 1].stem if span.start else ""
        behind = frozenset(range(span.end, len(question.words))) & question.content
        rows_are = any(question.words[i].stem in title_parts(paper, measure)[1] for i in behind)
        if (
            before in AND
            and behind <= own
            and not rows_are
            and not money
            and span.start > min(question.spans("max", "min"), default=0)
        ):
            return span.indices
    return frozenset()


_RISING = ("ascending", "lowest to", "smallest to", "least to")


def ranking(question: Question, paper: PaperView) -> Outcome:
    """`sort the quarters by units shipped`: all rows or points, by their number."""
    if not question.has("ranking") or question.has("count", "mean", "median", "sum", "share", "difference", "growth"):
        return None
    view = chosen_table(question, paper)
    measure = chosen_measure(question, paper, view)
    if measure is None or question.rows or question.figures or question.numbers:
        return None
    if measure.table is not None and (view is None or view.labels is None or repeats(view, view.labels)):
        return None
    many = len(measure.points) if measure.table is None else len(measure.table.table.rows)
    if not 2 <= many <= 100:
        return None
    used = measure.used | question.spans("ranking", "group_by", "list", "max", "min", "quantity", "row", "point")
    named = title_words(question, paper, measure)
    by = question.spans("group_by")
    rows_are = {i for i in named if question.words[i].stem in title_parts(paper, measure)[1]}
    key = frozenset(range(max(by, default=0), len(question.words))) & (
        measure.used | named | question.spans("quantity")
    )
    if by and not key - row_words(question, view) - rows_are:
        return None  # by their date or their name, and not by what they hold
    used |= row_words(question, view) | named
    where = item_rows(question, paper, view) if measure.table is not None else ()
    rising = any(phrase in " ".join(question.text.casefold().split()) for phrase in _RISING)
    step = plans.Rank(op="argmin" if rising else "argmax", values=measure.values(where), n=many)
    return Reading((step,), used)
