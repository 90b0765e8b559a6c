"""Readings that set what was spent against what was planned, where a table has a column for each."""

from __future__ import annotations

from adapters.planning.choosing import chosen_table, row_words
from adapters.planning.outcome import Outcome, Reading
from adapters.planning.paper import ColumnView, PaperView, TableView
from adapters.planning.question import Question, RowMention
from adapters.planning.small_words import stems
from schemas import plans

_PLANNED = frozenset(stems("budget budgeted plan planned target forecast soll geplant prevu presupuesto begroot"))
_ACTUAL = frozenset(stems("actual actuals spent ist tatsachlich reel realise real werkelijk effettivo"))


def against_budget(question: Question, paper: PaperView) -> Outcome:
    """`how much under budget was marketing`, `how many are over budget`, `what share of the budget was spent`."""
    over, under = question.has("over_budget"), question.has("under_budget")
    spent = question.has("share") and question.has("pay")
    view = chosen_table(question, paper)
    if over + under + spent != 1 or view is None or view.labels is None:
        return None
    planned, actual = _only(view, _PLANNED), _only(view, _ACTUAL)
    if planned is None or actual is None:
        return None
    used = question.spans("over_budget", "under_budget", "list") | row_words(question, view)
    named = [m for m in question.rows if m.table == view.index and len(m.rows) == 1]
    if len(named) == 1 and not question.has("count"):
        return _of_row(question, view, named[0], planned, actual, used)
    if named or spent or question.has("max", "min"):
        return None
    where = (_rows_where(view, planned, actual, over=over),)
    if question.has("count"):
        return Reading((plans.Count(table=view.index, where=where),), used | question.spans("count", "row"))
    step = plans.ListRows(table=view.index, labels=view.labels, column=actual.index, where=where)
    return Reading((step,), used | question.spans("row"))


def _of_row(
    question: Question,
    view: TableView,
    mention: RowMention,
    planned: ColumnView,
    actual: ColumnView,
    used: frozenset[int],
) -> Outcome:
    used |= mention.span.indices
    at = next(iter(mention.rows))
    label = view.label(at, view.labels)
    cells = [
        plans.LookupCell(table=view.index, row=at, column=column.index, label=label) for column in (actual, planned)
    ]
    if relative := question.spans("share"):
        if question.has("under_budget"):
            return None
        if question.has("over_budget"):
            return Reading((*cells, plans.Arithmetic(op="change", left=1, right=0)), used | relative)
        base = frozenset(i for i, word in enumerate(question.words) if word.stem in planned.stems)
        if not base:
            return None
        return Reading((*cells, plans.Arithmetic(op="share", left=0, right=1)), used | relative | base)
    left, right = (0, 1) if question.has("over_budget") else (1, 0)
    return Reading((*cells, plans.Arithmetic(op="difference", left=left, right=right)), used)


def _only(view: TableView, names: frozenset[str]) -> ColumnView | None:
    found = [column for column in view.numeric if names & set(column.stems)]
    return found[0] if len(found) == 1 and not found[0].percent else None


def _rows_where(view: TableView, planned: ColumnView, actual: ColumnView, *, over: bool) -> plans.RowsCondition:
    rows = []
    for at, row in enumerate(view.table.rows):
        plan, fact = row[planned.index].value, row[actual.index].value
        if plan is not None and fact is not None and (fact > plan if over else fact < plan):
            rows.append(at)
    return plans.RowsCondition(rows=tuple(rows), because=f"{'over' if over else 'under'} budget")
