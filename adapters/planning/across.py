"""Readings across a table's columns, where these are periods: one row's change, sum, mean or extreme over time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from adapters.planning.choosing import chosen_table
from adapters.planning.comparing import relative_words
from adapters.planning.dates import When, read_date
from adapters.planning.outcome import Outcome, Reading
from adapters.planning.paper import ColumnView, PaperView, TableView
from adapters.planning.question import Question, RowMention, how_much
from adapters.planning.small_words import ADVERBS, TIME_UNITS, stems
from adapters.planning.vocabulary import ORDINALS
from schemas import plans
from schemas.plans import Step

_CHANGES = ("year_on_year", "growth", "difference", "more_than_other", "less_than_other")
_PERIODS = TIME_UNITS | set(ADVERBS.values()) | {"annual", "period"}


def across(question: Question, paper: PaperView) -> Outcome:
    view = chosen_table(question, paper)
    rows = [m for m in question.rows if view is not None and m.table == view.index and m.column in (view.labels, None)]
    if view is None or view.labels is None or len(rows) != 1 or len(rows[0].rows) != 1:
        return None
    periods = _periods(view)
    if len(periods) < 2:
        return _over_series(question, paper, view, rows[0]) if paper.document.kind == "chart" else None
    named = _named(question, periods)
    used = rows[0].span.indices | frozenset(i for at in named.values() for i in at) | _titled(question, paper, view)
    chosen = [column for column, _ in periods if column.index in named]
    if question.has(*_CHANGES):
        return _change(question, view, rows[0], periods, chosen, used)
    if not chosen and not question.has("ratio", "share", "trend", "count", "median", "dearest", "cheapest"):
        return _over_time(question, view, rows[0], [column for column, _ in periods], used)
    return None


def _over_series(question: Question, paper: PaperView, view: TableView, mention: RowMention) -> Outcome:
    """`which product sold the most in Q3`: a chart's series under one category."""
    series = view.numeric
    if len(series) < 2 or any(m.table == view.index and view.columns[m.column].numeric for m in question.columns):
        return None
    used = mention.span.indices | _titled(question, paper, view) | question.spans("row", "point", "quantity")
    reading = _over_time(question, view, mention, series, used)
    if reading is None or not question.has("sum", "total"):
        return reading
    return replace(reading, assumption=f"{', '.join(column.name for column in series)} are added up"[:400])


def _periods(view: TableView) -> list[tuple[ColumnView, When]]:
    """Number columns headed by dates of one kind, earliest first; none where two are of one time."""
    dated = [(column, when) for column in view.numeric if (when := read_date(column.name)) is not None]
    ordered = sorted(dated, key=lambda pair: pair[1].key)
    kinds = {(bool(w.year), bool(w.month), bool(w.day), bool(w.quarter)) for _, w in ordered}
    twice = any(a.key == b.key for (_, a), (_, b) in itertools.pairwise(ordered))
    return [] if twice or len(kinds) > 1 else ordered


def _named(question: Question, periods: Sequence[tuple[ColumnView, When]]) -> dict[int, frozenset[int]]:
    """The periods' columns that a question names, and by which words: by their headings or by their dates."""
    found: dict[int, frozenset[int]] = {}
    said = [word.stem for word in question.words]
    for column, date in periods:
        for at in range(len(said) - len(column.stems) + 1):
            if column.stems and tuple(said[at : at + len(column.stems)]) == column.stems:
                found[column.index] = frozenset(range(at, at + len(column.stems)))
        covering = [span for span, when in question.whens if when.covers(date)]
        alone = [span for span, when in question.whens if sum(when.covers(other) for _, other in periods) == 1]
        if column.index not in found and len(covering) == 1 and covering[0] in alone:
            found[column.index] = covering[0].indices
    return found


def _titled(question: Question, paper: PaperView, view: TableView) -> frozenset[int]:
    """Words that say what all of a table's numbers are: its name's, or the page's first lines'."""
    texts = [view.table.name or "", *(line.text for line in paper.document.lines[:3] if len(line.text) < 90)]
    inside = {stem for column in view.columns for stem in column.stems}
    inside |= {stem for row in view.row_stems if view.labels is not None for stem in row[view.labels]}
    known = {stem for text in texts for stem in stems(text) if len(stem) > 2} - inside
    return frozenset(i for i in question.content if question.words[i].stem in known)


def _change(
    question: Question,
    view: TableView,
    mention: RowMention,
    periods: Sequence[tuple[ColumnView, When]],
    chosen: Sequence[ColumnView],
    used: frozenset[int],
) -> Outcome:
    """From the earlier to the later of two periods; where none is named, from the first to the last."""
    if len(chosen) not in (0, 2) or (question.has("share") and not relative_words(question)):
        return None
    ends = (periods[0][0], periods[-1][0]) if not chosen else (chosen[0], chosen[1])
    row = mention.rows[0]
    cells = [view.table.rows[row][column.index] for column in ends]
    values = [cell.value for cell in cells if cell.value is not None]
    relative = relative_words(question)
    if len(values) != 2 or (relative and min(values) <= 0) or any(column.percent for column in ends):
        return None
    first, last = (
        plans.LookupCell(table=view.index, row=row, column=c.index, label=view.label(row, view.labels)) for c in ends
    )
    used |= relative | question.spans(*_CHANGES, "from", "until", "between", *(("share", "count") if relative else ()))
    if relative:
        step = plans.Arithmetic(op="change", left=0, right=1)
    elif question.has("growth"):
        step = plans.Arithmetic(op="difference", left=1, right=0)
    else:
        step = plans.Arithmetic(op="difference", left=1, right=0, absolute=True)
    doubt = None
    if not chosen and len(periods) > 2:
        doubt = f"no periods are named: it goes from {ends[0].name} to {ends[1].name}"
    elif min(values) < 0:
        doubt = f"{view.label(row, view.labels)} is printed as a negative amount and was taken as such"
    return Reading((first, last, step), used, assumption=doubt and doubt[:400])


def _over_time(
    question: Question, view: TableView, mention: RowMention, columns: Sequence[ColumnView], used: frozenset[int]
) -> Reading | None:
    """A row's sum, mean or extreme over all periods."""
    greatest, least = question.has("max"), question.has("min")
    over = frozenset(i for i in _all_periods(question, len(columns)) if question.words[i].stem == "over")
    added = question.has("sum", "total") or (bool(over) and how_much(question))
    if sum((greatest, least, added, question.has("mean"))) != 1:
        return None
    row = mention.rows[0]
    values = plans.RowValues(
        table=view.index, row=row, columns=tuple(column.index for column in columns), label=view.label(row, view.labels)
    )
    used |= question.spans("max", "min", "sum", "total", "mean") | _all_periods(question, len(columns))
    negative = [value for c in columns if (value := view.table.rows[row][c.index].value) is not None and value < 0]
    if greatest or least:
        if negative and len(negative) == len(columns):
            greatest = not greatest  # amounts printed as negative: the highest cost is the lowest number
        step: Step = plans.Rank(op="argmax" if greatest else "argmin", values=values)
        return Reading((step,), used)
    if any(column.percent for column in columns) or (added and _is_a_stock(view)):
        return None
    return Reading((plans.Aggregate(op="sum" if added else "mean", values=values),), used)


def _is_a_stock(view: TableView) -> bool:
    """Whether the columns are days, as a balance sheet's: what stood there on each has no sum."""
    return any((when := read_date(column.name)) is not None and when.day is not None for column in view.numeric)


def _all_periods(question: Question, many: int) -> frozenset[int]:
    """`over the three years`, `in which quarter`: words for the periods, and their number if it is the right one."""
    at = [i for i, word in enumerate(question.words) if word.stem in _PERIODS]
    numbers = {i - 1 for i in at if i and _as_count(question, i - 1) == many}
    before = {i - step for i in at for step in (1, 2, 3) if i >= step and question.words[i - step].stem == "over"}
    return frozenset(at) | numbers | before


def _as_count(question: Question, at: int) -> int | None:
    number = question.words[at].number
    return int(number) if number is not None and number == int(number) else ORDINALS.get(question.words[at].stem)
