"""Readings that list rows, or give the ends of a column of balances."""

from __future__ import annotations

from adapters.planning.choosing import chosen_measure, chosen_table, item_rows, person_column, row_words
from adapters.planning.conditions import filters
from adapters.planning.measures import amount_column, measures
from adapters.planning.outcome import Absent, Outcome, Reading
from adapters.planning.paper import PaperView
from adapters.planning.question import Question, how_much
from adapters.planning.small_words import WHICH
from adapters.planning.vocabulary import phrase_table
from schemas import plans


def listing(question: Question, paper: PaperView) -> Outcome:
    view = chosen_table(question, paper)
    if (
        view is None
        or view.labels is None
        or question.has("max", "min", "mean", "median", "count", "share", "difference")
    ):
        return None
    measure = chosen_measure(question, paper, view)
    named = measures(question, paper, view)
    measure = named[0] if len(named) == 1 else measure
    compared = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    equal = (
        []
        if measure is None or measure.column is None
        else [
            (at, value)
            for at, value in question.numbers
            if any(row[measure.column.index].value == value for row in view.table.rows)
        ]
    )
    used = question.spans("list", "cost", "price", "pay") | (measure.used if measure else frozenset())
    if person_column(view) is not None:
        used |= question.spans("who")
    if compared:
        condition = filters(question, view, measure, used)
        used |= condition.used | row_words(question, view)
        column = measure.column.index if measure is not None and measure.column is not None else None
        where = (*(measure.where if measure else ()), *condition.where, *item_rows(question, paper, view))
        return Reading((plans.ListRows(table=view.index, labels=view.labels, column=column, where=where),), used)
    which = question.words and question.words[0].stem in WHICH
    if which and equal and len(equal) == 1 and measure is not None and measure.column is not None and not question.rows:
        number = plans.NumberCondition(column=measure.column.index, compare="eq", value=equal[0][1])
        used |= {equal[0][0]} | row_words(question, view)
        return Reading(
            (plans.ListRows(table=view.index, labels=view.labels, column=measure.column.index, where=(number,)),), used
        )
    wants_all = question.has("list") or (question.has("row") and not question.has("sum", "total"))
    if wants_all and not question.rows and not question.numbers:
        column = named[0].column.index if len(named) == 1 and named[0].column is not None else None
        if column is None and (amount := amount_column(view)) is not None:
            column = amount.index
        used |= row_words(question, view) | question.spans("pay", "sell")
        where = item_rows(question, paper, view)
        step = plans.ListRows(table=view.index, labels=view.labels, column=column, where=where)
        return Reading((step,), used, score=0.8)
    return None


def compared_rows(question: Question, paper: PaperView) -> Outcome:
    """Rows that a comparison picks are listed, unless their sum is asked for: so does "how much"."""
    compares = question.has("gt", "lt", "ge", "le", "between") and bool(question.numbers)
    summed = question.has("sum", "total", "how") or how_much(question)
    return listing(question, paper) if compares and not summed else None


def end_balances(question: Question, paper: PaperView) -> Outcome:
    """Opening and closing balance where no figure states them: the ends of the balance column."""
    view = paper.main
    if view is None or not question.has("closing_balance", "balance", "opening_balance"):
        return None
    if any(not m.span.indices <= question.spans("opening_balance") for m in question.rows):
        return None
    columns = view.with_concept("balance")
    opening = question.has("opening_balance")
    stated = paper.figures_of("opening_balance") if opening else paper.figures_of("closing_balance", "balance")
    if stated or len(columns) != 1:
        return None
    filled = [i for i, row in enumerate(view.table.rows) if row[columns[0].index].value is not None]
    if not filled:
        return None
    row, label = (filled[0] if view.newest_first else filled[-1]), "the last row"
    if opening:
        if view.labels is None:
            return None
        forward = [i for i in filled if "opening_balance" in phrase_table().get(view.row_stems[i][view.labels], ())]
        if len(forward) != 1:
            return Absent("an opening balance", question.spans("opening_balance"))
        row, label = forward[0], view.label(forward[0], view.labels)
    step = plans.LookupCell(table=view.index, row=row, column=columns[0].index, label=label)
    used = question.spans("closing_balance", "balance", "last", "opening_balance")
    return Reading((step,), used, score=0.85)
