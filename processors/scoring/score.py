"""The readiness score: a pure function of one metrics snapshot. Readiness, not a probability of default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from processors.measuring.statistics import to_decimal, wilson
from processors.measuring.words import many, spoken
from processors.scoring.factors import SCORECARDS, Factor, Scorecard
from schemas.errors import NotFound
from schemas.metrics import MetricsComputed
from schemas.scores import AdverseReason, Band, Cap, FactorScore, ScoreComputed

MAX_REASONS = 4
# Under so many charges in three months, rates are ranges.
FEW_CHARGES = 200
_ZERO = Decimal("0.00")
_LEAST_HISTORY = 3
_LEAST_ANNUAL_NET = Decimal(5_000_00)
# Figures whose cautions a reader of the score must know: what is not in them. Those of retention say so only where
# subscriptions are left out, and whoever was left out may have stayed or gone.
_RETENTION = frozenset({"nrr", "gross_mrr_churn_t3m", "logo_churn_t3m"})
_SAID = _RETENTION | {"average_net_usd", "refund_rate", "top1_share"}
# What is known came in so long after the moment described that silence may lie between.
_SILENT = timedelta(days=31)
_NOTE = "This is readiness for funding, not a probability of default."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the points and caps come to: `score` = `points` + `capped_by`."""

    factors: tuple[FactorScore, ...]
    caps: tuple[Cap, ...]
    score: Decimal
    low: Decimal
    high: Decimal
    capped_by: Decimal


def score(snapshot: MetricsComputed, *, version: int = 1, metrics_event: str | None = None) -> ScoreComputed:
    """The score of a snapshot, with its breakdown, caps and reasons. Raises NotFound for an unknown version."""
    if version not in SCORECARDS:
        raise NotFound(f"there is no version {version} of the score")
    card = SCORECARDS[version]
    why_not = _unscored(snapshot)
    if why_not is not None:
        return ScoreComputed(
            business_id=snapshot.business_id,
            as_of=snapshot.as_of,
            known_at=snapshot.known_at,
            version=version,
            score=None,
            low=None,
            high=None,
            confidence="low",
            band="unscored",
            unscored=why_not,
            notes=(_NOTE,),
            metrics_event=metrics_event,
        )
    found = outcome(snapshot, card)
    # A range whose ends earn the same points is one all the same, and so is a sum that leaves money out.
    unsure = _has_few_charges(snapshot) or bool(snapshot.unconverted)
    unsure = (
        unsure or any(factor.low != factor.high for factor in found.factors) or _leaves_customers_out(snapshot, found)
    )
    return ScoreComputed(
        business_id=snapshot.business_id,
        as_of=snapshot.as_of,
        known_at=snapshot.known_at,
        version=version,
        score=found.score,
        low=found.low,
        high=found.high,
        confidence="low" if unsure else "normal",
        band=band(found.score),
        factors=found.factors,
        capped_by=found.capped_by,
        caps=found.caps,
        reasons=_reasons(snapshot, card, found),
        notes=tuple(_notes(snapshot, card, found)),
        metrics_event=metrics_event,
    )


def outcome(
    snapshot: MetricsComputed,
    card: Scorecard,
    instead: Mapping[str, Decimal] | None = None,
    lifted: Sequence[str] = (),
) -> Outcome:
    """Points, caps and totals; with other values `instead` of figures and caps `lifted`, what they would come to."""
    values = {figure.name: figure.value for figure in snapshot.figures} | dict(instead or {})
    factors = tuple(_scored(snapshot, factor, values, instead or {}) for factor in card.chosen(_share(snapshot)))
    caps = tuple(cap for cap in _caps(snapshot, values) if cap.name not in lifted)
    limit = min((cap.limit for cap in caps), default=Decimal(100))
    points = sum((factor.points or _ZERO for factor in factors), _ZERO)
    low = sum((factor.low for factor in factors), _ZERO)
    high = sum((factor.high for factor in factors), _ZERO)
    return Outcome(factors, caps, min(points, limit), min(low, limit), min(high, limit), min(_ZERO, limit - points))


def band(points: Decimal) -> Band:
    """ready from 80, near from 60, else building."""
    return "ready" if points >= 80 else "near" if points >= 60 else "building"


def _has_few_charges(snapshot: MetricsComputed) -> bool:
    charges = snapshot.value("charges_t3m")
    return charges is not None and charges < FEW_CHARGES


def _share(snapshot: MetricsComputed) -> Decimal | None:
    return snapshot.value("recurring_share")


def _unscored(snapshot: MetricsComputed) -> str | None:
    if not snapshot.livemode:
        return "only live data are scored; this is test mode"
    history, annual = snapshot.value("history"), snapshot.value("annual_net_usd")
    if history is None or history < _LEAST_HISTORY:
        return f"{many(history or 0, 'complete month')} of history; a score needs {_LEAST_HISTORY}"
    if annual is not None and annual < _LEAST_ANNUAL_NET:
        return f"net revenue of twelve months is {spoken(annual, 'minor:usd')}; a score needs 5,000 usd"
    return None


def _scored(
    snapshot: MetricsComputed, factor: Factor, values: Mapping[str, Decimal | None], instead: Mapping[str, Decimal]
) -> FactorScore:
    value = values.get(factor.figure)
    points = None if value is None else factor.points(value)
    low, high = (_ZERO, factor.weight) if points is None else (points, points)
    bounds = None if factor.figure in instead else _bounds(snapshot, factor)
    if points is not None and bounds is not None:
        ends = [factor.points(bound) for bound in bounds]
        low, high = min(points, *ends), max(points, *ends)
    figure = next((one for one in snapshot.figures if one.name == factor.figure), None)
    return FactorScore(
        name=factor.name,
        figure=factor.figure,
        weight=factor.weight,
        points=points,
        low=low,
        high=high,
        value=value,
        full_at=factor.full_at,
        zero_at=factor.zero_at,
        unknown=None if value is not None else (figure.unknown if figure else "it was not computed"),
    )


def _bounds(snapshot: MetricsComputed, factor: Factor) -> tuple[Decimal, Decimal] | None:
    """The 95 % Wilson interval of a rate that rests on few charges; None where there are enough of them."""
    charges = snapshot.value("charges_t3m")
    if charges is None or charges >= FEW_CHARGES:
        return None
    if factor.name == "dispute_activity":
        hits, trials = snapshot.value("worst_month_disputes"), snapshot.value("worst_month_charges")
        if hits is None or not trials:
            return None
        low, high = wilson(min(int(hits), int(trials)), int(trials))
        return to_decimal(low), to_decimal(high)
    if factor.name == "refunds":
        by_count, by_volume = snapshot.value("refund_rate_count"), snapshot.value("refund_rate")
        if by_count is None or by_volume is None:
            return None
        low, high = wilson(round(Fraction(by_count) * int(charges)), int(charges))
        # The interval is of the number of refunds; the volume lies in it or widens it.
        return min(to_decimal(low), by_volume), max(to_decimal(high), by_volume)
    return None


def _caps(snapshot: MetricsComputed, values: Mapping[str, Decimal | None]) -> list[Cap]:
    standing = snapshot.standing
    caps = [
        Cap(
            name=name,
            limit=Decimal(40),
            reason=f"the card programme {name} counts this business as excessive",
            event_ids=standing.breach_events.get(name, standing.event_ids),
        )
        for name in standing.programme_breaches
    ]
    if standing.payouts_disabled:
        caps.append(
            Cap(
                name="payouts_disabled",
                limit=Decimal(20),
                reason="payouts are disabled",
                event_ids=standing.event_ids[:1],
            )
        )
    top1 = values.get("top1_share")
    if top1 is not None and top1 > Decimal("0.5"):
        events = snapshot.figure("top1_share").event_ids
        reason = f"one customer brings {spoken(top1, 'ratio')} of net revenue"
        caps.append(Cap(name="one_customer", limit=Decimal(60), reason=reason, event_ids=events))
    return caps


def _reasons(snapshot: MetricsComputed, card: Scorecard, found: Outcome) -> tuple[AdverseReason, ...]:
    """The factors that cost most, with the events behind them and what would be gained."""
    words = {factor.name: factor for factor in card.chosen(_share(snapshot))}
    scored = [(factor.weight - factor.points, factor) for factor in found.factors if factor.points is not None]
    worst = sorted((one for one in scored if one[0] > 0), key=lambda one: (-one[0], one[1].name))[:MAX_REASONS]
    reasons = []
    for lost, factor in worst:
        figure = snapshot.figure(factor.figure)
        assert factor.value is not None
        reasons.append(
            AdverseReason(
                factor=factor.name,
                text=f"{words[factor.name].words}: {spoken(factor.value, figure.unit)} "
                f"(all points at {spoken(factor.full_at, figure.unit)})",
                lost=lost,
                counterfactual=_counterfactual(snapshot, card, words[factor.name], factor.value, found),
                event_ids=figure.event_ids,
                event_count=figure.event_count,
            )
        )
    return tuple(reasons)


def _counterfactual(snapshot: MetricsComputed, card: Scorecard, factor: Factor, value: Decimal, found: Outcome) -> str:
    """What the score would be half the way to all points."""
    worst, best = sorted((factor.zero_at, factor.full_at))
    half = (min(max(value, worst), best) + factor.full_at) / 2
    target = to_decimal(Fraction(half), 0 if factor.full_at >= 24 else 4)
    unit = snapshot.figure(factor.figure).unit
    points = factor.points(target) - factor.points(value)
    gain = outcome(snapshot, card, {factor.figure: target}).score - found.score
    text = f"at {spoken(target, unit)}: +{points.normalize():f}"
    return text if gain == points else f"{text} points, +{gain.normalize():f} under the cap"


def _notes(snapshot: MetricsComputed, card: Scorecard, found: Outcome) -> list[str]:
    notes = [_NOTE]
    later = snapshot.known_at - snapshot.as_of
    if later > _SILENT:
        notes.append(
            f"It describes {snapshot.as_of:%Y-%m-%d}, {later.days} days before the newest of what is known came in."
        )
    share = _share(snapshot)
    if share is None or share < card.recurring_from:
        shown = "unknown" if share is None else spoken(share, "ratio")
        notes.append(f"Recurring revenue is {shown} of all: retention is measured by repeat purchases in 90 days.")
    if _has_few_charges(snapshot):
        charges = snapshot.value("charges_t3m") or 0
        notes.append(f"Only {many(charges, 'charge')} in three months: rates are given as ranges.")
    for factor in found.factors:
        if factor.points is None:
            notes.append(f"{factor.name} is unknown ({factor.unknown}): it counts 0, and could bring {factor.weight}.")
    if snapshot.value("annual_net_usd") is None:
        notes.append("Whether a year's net revenue reaches the 5,000 usd that a score needs is not known.")
    for remark, names in _remarks(snapshot, found).items():
        notes.append(f"{', '.join(names)}: {remark}.")
    for money in snapshot.unconverted:
        notes.append(f"{many(money.charges, 'record')} in {money.currency} without an exchange rate: in no sum.")
    return notes


def _remarks(snapshot: MetricsComputed, found: Outcome) -> dict[str, list[str]]:
    """What factors' figures leave out, each with the factors it is said of."""
    said: dict[str, list[str]] = {}
    noted = {figure.name: figure.note for figure in snapshot.figures if figure.name in _SAID}
    for factor in found.factors:
        if remark := noted.get(factor.figure):
            said.setdefault(remark, []).append(factor.name)
    return said


def _leaves_customers_out(snapshot: MetricsComputed, found: Outcome) -> bool:
    scored = {factor.figure for factor in found.factors} & _RETENTION
    return any(figure.note for figure in snapshot.figures if figure.name in scored)
