"""Whether the number that a reading gives is of the kind that the question asks for."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.planning.choosing import titles
from adapters.planning.measures import Measure
from adapters.planning.outcome import Reading
from adapters.planning.paper import ColumnView, PaperView, is_currency
from adapters.planning.question import Question, how_much
from adapters.planning.small_words import stems
from schemas import plans
from schemas.plans import Step

_MONEY = frozenset(stems("eur usd gbp chf euro dollar pound cost revenue price spend expense kosten umsatz cout prix"))
_MOVED = frozenset(stems("sell sold ordered shipped delivered bought verkauft vendu vendido verkocht venduto"))
_KEPT = frozenset(stems("hand stock inventory bestand lager existencias voorraad giacenza"))
_PAYS = frozenset(stems("earn earned cost pay paid spend spent owe owed"))


def other_kind(question: Question, reading: Reading, paper: PaperView) -> bool:
    """A percentage where money is asked for, money where "how many" is, what is in stock where what was sold is, hours
    where pay is, what a credit note gives back where what is left to pay is."""
    said = {word.stem for word in question.words}
    if question.has("amount_due") and (paper.document.total or 0) < 0:
        return True
    for figure in _points(reading.steps[-1], paper):
        percent = paper.document.figures[figure].unit == "%"
        titled = titles(paper, Measure(None, None, paper.points, frozenset()))
        if (question.has("money") and percent) or (
            question.has("count") and not question.has("money") and _MONEY & {s for text in titled for s in stems(text)}
        ):
            return True
    for column, others in _columns(reading.steps, paper):
        if _MOVED & said and _KEPT & set(column.stems):
            return True
        bare = not column.money and column.unit is None
        if bare and _PAYS & said and how_much(question) and any(is_currency(other.unit) for other in others):
            return True
    return False


def _points(step: Step, paper: PaperView) -> tuple[int, ...]:
    found = (step.figure,) if isinstance(step, plans.LookupFigure) else ()
    return tuple(figure for figure in found if figure in paper.points)


def _columns(steps: tuple[Step, ...], paper: PaperView) -> Iterator[tuple[ColumnView, list[ColumnView]]]:
    """The columns that steps take numbers from, each with the number columns of its table."""
    for step in steps:
        match step:
            case plans.LookupCell():
                table, column = step.table, step.column
            case plans.Aggregate(values=plans.ColumnValues() as values):
                table, column = values.table, values.column
            case _:
                continue
        view = next(each for each in paper.tables if each.index == table)
        yield view.columns[column], view.numeric
