"""The rules of advice, version 1: what triggers each, what to do, and what the score would be with it cured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from processors.measuring.periods import month_name, month_of
from processors.measuring.words import many, spoken
from schemas.metrics import NAMED_EVENTS, DueEvidence, MetricsComputed
from schemas.recommendations import Effort

_SUBMIT_WITHIN = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Advice:
    """Something worth doing now. `cures` are figures as they would be without the trigger, `lifts` caps that fall.

    `subject` tells several of one rule apart; `confidence` 0..1 is how sure the cure works when done.
    """

    rule: str
    subject: str
    action: str
    trigger: str
    event_ids: tuple[str, ...]
    cures: dict[str, Decimal]
    lifts: tuple[str, ...]
    confidence: Decimal
    effort: Effort
    closes_when: str
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A rule about one figure: beyond `limit` it advises, and it is cured at `cured`."""

    rule: str
    figure: str
    limit: Decimal
    below: bool
    action: str
    cured: Decimal
    confidence: Decimal
    effort: Effort
    also: dict[str, Decimal]


def _rule(
    rule: str,
    figure: str,
    comparison: str,
    limit: str,
    action: str,
    *,
    cured: str,
    confidence: str,
    effort: Effort,
    also: dict[str, str] | None = None,
) -> _Threshold:
    cures = {name: Decimal(value) for name, value in (also or {}).items()}
    return _Threshold(
        rule, figure, Decimal(limit), comparison == "<", action, Decimal(cured), Decimal(confidence), effort, cures
    )


_THRESHOLDS = (
    _rule(
        "lower_disputes", "dispute_activity_worst", ">", "0.0065",
        "Review the statement descriptor, and ask for 3-D Secure on risky cards.",
        cured="0.003", confidence="0.6", effort="medium",
    ),
    _rule(
        "lower_refunds", "refund_rate", ">", "0.05",
        "Find the product with the most refunds and mend it, or its description.",
        cured="0.02", confidence="0.5", effort="medium",
    ),
    _rule(
        "diversify", "top1_share", ">", "0.25",
        "Win customers beside the largest one, or bind that one by a contract.",
        cured="0.10", confidence="0.4", effort="high", also={"hhi": "0.05"},
    ),
    _rule(
        "dunning", "past_due_share", ">", "0.05",
        "Switch on retries and reminders for failed payments, and ask for new cards.",
        cured="0", confidence="0.7", effort="low",
    ),
    _rule(
        "exit_study", "gross_mrr_churn_t3m", ">", "0.04",
        "Ask those who left in the last months why, and fix what most of them name.",
        cured="0.015", confidence="0.4", effort="medium", also={"logo_churn_t3m": "0.02"},
    ),
    _rule(
        "annual_offer", "annual_share", "<", "0.20",
        "Offer a yearly price: it brings cash forward and keeps customers longer.",
        cured="0.20", confidence="0.3", effort="low",
    ),
    _rule(
        "smooth_billing", "volatility", ">", "0.4",
        "Bill large orders in instalments, or move one-time buyers to a subscription.",
        cured="0.15", confidence="0.3", effort="high",
    ),
)  # fmt: skip


def advices(snapshot: MetricsComputed) -> Iterator[Advice]:
    """Everything the rules say of a snapshot, in the order of the rules. Pure."""
    for matter in snapshot.open_matters:
        if matter.kind == "fraud_warning":
            yield _fraud_warning(matter)
        elif matter.kind == "dispute_evidence" and (advice := _evidence(matter, snapshot.as_of)) is not None:
            yield advice
    yield from _failed_payouts(snapshot)
    yield from _disabled_payouts(snapshot)
    for rule in _THRESHOLDS:
        yield from _beyond(snapshot, rule)
    yield from _history(snapshot)


def _fraud_warning(matter: DueEvidence) -> Advice:
    worth = f" of {spoken(Decimal(matter.amount), f'minor:{matter.currency}')}" if matter.amount else ""
    return Advice(
        rule="refund_warned_charge",
        subject=matter.object_id,
        action="Refund the warned charge before it becomes a dispute.",
        trigger=f"a card network reported fraud on a charge{worth}",
        event_ids=matter.event_ids,
        cures={},
        lifts=(),
        confidence=Decimal("0.8"),
        effort="low",
        closes_when="the charge is refunded or disputed, and the warning is no longer actionable",
    )


def _evidence(matter: DueEvidence, as_of: datetime) -> Advice | None:
    if matter.due_by is None or not as_of < matter.due_by <= as_of + _SUBMIT_WITHIN:
        return None
    return Advice(
        rule="submit_evidence",
        subject=matter.object_id,
        action=f"Submit the evidence for dispute {matter.object_id}.",
        trigger=f"it is due by {matter.due_by:%Y-%m-%d %H:%M} UTC, and nothing was submitted",
        event_ids=matter.event_ids,
        cures={},
        lifts=(),
        confidence=Decimal("0.5"),
        effort="low",
        closes_when="the dispute no longer waits for a response",
        due_by=matter.due_by,
    )


def _failed_payouts(snapshot: MetricsComputed) -> Iterator[Advice]:
    number, shown = _failures(snapshot)
    if not number:
        return
    yield Advice(
        rule="mend_bank_account",
        subject="",
        action="Check the bank account that payouts go to; Stripe says why the payout came back.",
        trigger=f"{many(number, 'payout')} of six months failed",
        event_ids=shown[:NAMED_EVENTS],
        cures={"payout_reliability": Decimal(1)},
        lifts=("payouts_disabled",),
        confidence=Decimal("0.9"),
        effort="low",
        closes_when="no payout of the last six months failed",
    )


def _failures(snapshot: MetricsComputed) -> tuple[int, tuple[str, ...]]:
    """How many payouts of six months failed, and the events that show it."""
    failed = next((figure for figure in snapshot.figures if figure.name == "payouts_failed"), None)
    since = [matter for matter in snapshot.open_matters if matter.kind == "failed_payout"]
    number = (0 if failed is None else int(failed.value or 0)) + len(since)
    return number, (*(event for matter in since for event in matter.event_ids), *(failed.event_ids if failed else ()))


def _disabled_payouts(snapshot: MetricsComputed) -> Iterator[Advice]:
    """Payouts that Stripe disabled for another reason than one that came back."""
    number, _ = _failures(snapshot)
    if number or not snapshot.standing.payouts_disabled:
        return
    yield Advice(
        rule="enable_payouts",
        subject="",
        action="Give Stripe what the account's requirements ask for, so that payouts are enabled again.",
        trigger="payouts are disabled",
        event_ids=snapshot.standing.event_ids[:1],
        cures={},
        lifts=("payouts_disabled",),
        confidence=Decimal("0.9"),
        effort="low",
        closes_when="payouts are enabled",
    )


def _beyond(snapshot: MetricsComputed, rule: _Threshold) -> Iterator[Advice]:
    figure = next((one for one in snapshot.figures if one.name == rule.figure), None)
    if figure is None or figure.value is None:
        return
    standing = snapshot.standing
    breached = standing.programme_breaches if rule.rule == "lower_disputes" else ()
    beyond = figure.value < rule.limit if rule.below else figure.value > rule.limit
    if not beyond and not breached:
        return
    side, back = ("below", "at least") if rule.below else ("above", "at most")
    name, limit = rule.figure.replace("_", " "), spoken(rule.limit, figure.unit)
    excessive = (f"{programme} counts this business as excessive" for programme in breached)
    moved = (f"{name} is {spoken(figure.value, figure.unit)}, {side} {limit}",) if beyond else ()
    yield Advice(
        rule=rule.rule,
        subject="",
        action=rule.action,
        trigger="; ".join((*moved, *excessive)),
        event_ids=figure.event_ids if beyond else standing.breach_events.get(breached[0], standing.event_ids),
        cures=_no_worse(snapshot, {rule.figure: rule.cured, **rule.also}, rule.below),
        lifts=("one_customer",) if rule.rule == "diversify" else breached,
        confidence=rule.confidence,
        effort=rule.effort,
        closes_when=f"{name} is {back} {limit}" + (", and no card programme is breached" if breached else ""),
    )


def _no_worse(snapshot: MetricsComputed, cures: dict[str, Decimal], below: bool) -> dict[str, Decimal]:
    """A cure leaves alone what is better than the cure already, and what is not known."""
    kept = {}
    for name, cured in cures.items():
        value = snapshot.value(name)
        if value is not None and (value < cured if below else value > cured):
            kept[name] = cured
    return kept


def _history(snapshot: MetricsComputed) -> Iterator[Advice]:
    history = snapshot.value("history")
    if history is None or not 0 < history < 6:
        return
    month = month_of(snapshot.as_of) + 6 - int(history)
    yield Advice(
        rule="wait_for_history",
        subject="",
        action=f"Wait until {month_name(month)}: with six months of history trend and volatility can be scored.",
        trigger=f"{many(history, 'complete month')} of history so far",
        event_ids=snapshot.figure("history").event_ids,
        cures={"history": Decimal(6)},
        lifts=(),
        confidence=Decimal("0.9"),
        effort="low",
        closes_when="there are six complete months of history",
    )
