"""Reads a question's parts as one plan: the first reading that accounts for every word that means something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adapters.planning.about_document import arithmetic_check, attributes, printed_text, summary
from adapters.planning.across import across
from adapters.planning.budgets import against_budget
from adapters.planning.comparing import comparison, trend
from adapters.planning.doubts import counted_twice, mixed_currencies, sums_a_whole
from adapters.planning.kinds import other_kind, taken_for_hours
from adapters.planning.listing import compared_rows, end_balances, listing
from adapters.planning.looking_up import lookup, stated_figure
from adapters.planning.outcome import Absent, Outcome, Reading, explained, unexplained
from adapters.planning.paper import PaperView
from adapters.planning.question import Question
from adapters.planning.ranking import extremes, ranking
from adapters.planning.sums import left_out_of
from adapters.planning.totalling import aggregates, counts
from schemas.plans import Reconcile

# Tried in this order: what is asked by name comes before what is asked by kind of calculation.
READERS: tuple[Callable[[Question, PaperView], Outcome], ...] = (
    summary,
    attributes,
    arithmetic_check,
    printed_text,
    against_budget,
    across,
    comparison,
    stated_figure,
    ranking,
    extremes,
    counts,
    trend,
    aggregates,
    end_balances,
    compared_rows,
    lookup,
    listing,
)


def read(question: Question, paper: PaperView) -> Outcome:
    """The first reading that accounts for every word; else the first thing found absent; else None."""
    absent: Absent | None = None
    for reader in READERS:
        outcome = reader(question, paper)
        if isinstance(outcome, Reading):
            if sums_a_whole(outcome.steps[-1], paper) and not question.has("share"):
                continue
            if other_kind(question, outcome, paper):
                continue
            if not unexplained(question, outcome.used):
                return _in_doubt(question, outcome, paper)
        elif outcome is not None and absent is None and not unexplained(question, outcome.used | explained(question)):
            absent = outcome
    return absent


def _in_doubt(question: Question, reading: Reading, paper: PaperView) -> Reading:
    """The reading with what its sums leave out or throw together: sums that do not hold contradict a document only when
    all of them were understood, and amounts in different currencies have no sum."""
    left_out = [each for step in reading.steps if isinstance(step, Reconcile) and (each := left_out_of(step, paper))]
    thrown = [check(step, paper) for step in reading.steps for check in (mixed_currencies, counted_twice)]
    doubts = [each for each in (*left_out, *thrown, taken_for_hours(question, reading, paper)) if each]
    return replace(reading, assumption=doubts[0]) if doubts and reading.assumption is None else reading
