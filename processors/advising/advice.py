"""Advice that is opened and closed: the rules against what is open, with the uplift predicted and measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from adapters.ports import Advised, OpenAdvice
from processors.advising.rules import Advice, advices
from processors.measuring.statistics import to_decimal
from processors.scoring.factors import SCORECARDS
from processors.scoring.score import outcome
from schemas.envelope import derived_id
from schemas.metrics import MetricsComputed
from schemas.recommendations import Effort, RecommendationClosed, RecommendationOpened
from schemas.scores import ScoreComputed

# Advice shown as the week's.
TOP = 3
_EFFORTS: Mapping[Effort, int] = {"low": 1, "medium": 2, "high": 4}
# Points that advice is worth whose cure moves no figure of the score by itself: it keeps one from getting worse.
_PREVENTS = Decimal("1.00")


def advise(
    snapshot: MetricsComputed, scored: ScoreComputed, advised: Advised
) -> Sequence[RecommendationOpened | RecommendationClosed]:
    """What to open and what to close after a snapshot, opened ones by rank. Pure."""
    due = {(advice.rule, advice.subject): advice for advice in advices(snapshot)}
    standing = {(one.rule, one.subject): one for one in advised.standing}
    closed = [_close(snapshot, scored, one) for key, one in sorted(standing.items()) if key not in due]
    opened = [
        _open(snapshot, scored, advice, advised.closed.get(key, 0))
        for key, advice in due.items()
        if key not in standing
    ]
    return [*closed, *sorted(opened, key=lambda one: (-one.rank, one.rule, one.recommendation_id))]


def uplift(snapshot: MetricsComputed, scored: ScoreComputed, advice: Advice) -> Decimal:
    """Points the score gains when the trigger is cured; 0 for a business without a score."""
    if scored.score is None:
        return Decimal("0.00")
    cured = outcome(snapshot, SCORECARDS[scored.version], advice.cures, advice.lifts)
    return cured.score - scored.score


def rank(uplift: Decimal, confidence: Decimal, effort: Effort) -> Decimal:
    """uplift × confidence ÷ effort, where effort is 1, 2 or 4; what prevents harm counts one point at least."""
    return to_decimal(Fraction(max(uplift, _PREVENTS)) * Fraction(confidence) / _EFFORTS[effort], 4)


def top_of_the_week(opened: Iterable[RecommendationOpened]) -> Sequence[RecommendationOpened]:
    """The three with the highest rank; what is due by a date soon comes first."""
    return sorted(opened, key=lambda one: (one.due_by is None, -one.rank, one.rule, one.recommendation_id))[:TOP]


def _open(snapshot: MetricsComputed, scored: ScoreComputed, advice: Advice, episode: int) -> RecommendationOpened:
    gained = uplift(snapshot, scored, advice)
    return RecommendationOpened(
        business_id=snapshot.business_id,
        recommendation_id=derived_id(f"{snapshot.business_id}/{advice.rule}/{advice.subject}", "advice", episode),
        rule=advice.rule,
        subject=advice.subject,
        action=advice.action,
        trigger=advice.trigger,
        event_ids=advice.event_ids,
        predicted_uplift=gained,
        confidence=advice.confidence,
        effort=advice.effort,
        rank=rank(gained, advice.confidence, advice.effort),
        due_by=advice.due_by,
        closes_when=advice.closes_when,
        score_before=scored.score,
        as_of=snapshot.as_of,
    )


def _close(snapshot: MetricsComputed, scored: ScoreComputed, one: OpenAdvice) -> RecommendationClosed:
    measured = None if scored.score is None or one.score_before is None else scored.score - one.score_before
    return RecommendationClosed(
        business_id=snapshot.business_id,
        recommendation_id=one.recommendation_id,
        rule=one.rule,
        subject=one.subject,
        predicted_uplift=one.predicted_uplift,
        measured_uplift=measured,
        score_before=one.score_before,
        score_after=scored.score,
        as_of=snapshot.as_of,
    )
