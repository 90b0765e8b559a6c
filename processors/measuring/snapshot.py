"""A snapshot of every figure of a business, and the explanation of one figure: the same definitions, called alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice

from processors.measuring import payouts, retention, revenue, risk
from processors.measuring.books import Books
from processors.measuring.definition import REGISTER, Definition, Measured
from processors.measuring.flows import Recorded
from processors.measuring.periods import instant, month_day, month_name, month_start
from processors.measuring.view import View
from schemas.errors import NotFound
from schemas.metrics import (
    NAMED_EVENTS,
    DueEvidence,
    Figure,
    MetricsComputed,
    MonthFigures,
    Standing,
    UnconvertedMoney,
)
from schemas.reference import Reference

# The modules whose import registers the definitions.
SECTIONS = (revenue, retention, risk, payouts)
# Complete months a snapshot carries.
SERIES = 24


def definitions(versions: Mapping[str, int] | None = None) -> dict[str, Definition]:
    """The definition of every figure by name: version 1, or the one asked for. Raises NotFound for an unknown one."""
    chosen = {name: found for (name, version), found in REGISTER.items() if version == 1}
    for name, version in (versions or {}).items():
        if (name, version) not in REGISTER:
            raise NotFound(f"there is no version {version} of a figure {name}")
        chosen[name] = REGISTER[name, version]
    return chosen


def snapshot(
    books: Books,
    reference: Reference,
    *,
    as_of: datetime,
    known_at: datetime,
    ledger_offset: int = -1,
    business_offset: int = -1,
    versions: Mapping[str, int] | None = None,
) -> MetricsComputed:
    """Every figure of a business as of a moment. `books` hold what was known at `known_at`. Pure."""
    view = View(books, reference, int(as_of.timestamp()))
    chosen = definitions(versions)
    figures = tuple(figure_of(view, one, view.last, as_of, known_at) for one in chosen.values())
    first = max(view.first, view.last - SERIES + 1)
    months = tuple(
        MonthFigures(month=month_name(month), values=_values(view, chosen, month))
        for month in range(first, view.last + 1)
        if view.history(month)
    )
    return MetricsComputed(
        business_id=books.business_id,
        livemode=books.livemode,
        as_of=as_of,
        known_at=known_at,
        currency=view.currency,
        ledger_offset=ledger_offset,
        business_offset=business_offset,
        figures=figures,
        months=months,
        standing=_standing(view),
        unconverted=tuple(
            UnconvertedMoney(currency=currency, amount=amount, charges=number)
            for currency, (amount, number) in sorted(view.convert.unconverted.items())
        ),
        open_matters=tuple(_open_matters(view)),
        definitions={name: version for name, version in sorted((versions or {}).items()) if version != 1},
        rates_through=str(reference.rates.through) if reference.rates.through else None,
    )


def series(
    books: Books,
    reference: Reference,
    *,
    as_of: datetime,
    known_at: datetime,
    months: int = SERIES,
    versions: Mapping[str, int] | None = None,
) -> Iterator[tuple[str, tuple[Figure, ...]]]:
    """The monthly figures of the last complete months as records, oldest first: (month, figures)."""
    view = View(books, reference, int(as_of.timestamp()))
    chosen = [one for one in definitions(versions).values() if one.monthly]
    for month in range(max(view.first, view.last - months + 1), view.last + 1):
        if view.history(month):
            end = month_start(month + 1)
            yield month_name(month), tuple(figure_of(view, one, month, end, known_at) for one in chosen)


def explain(
    view: View, name: str, month: int | None, *, versions: Mapping[str, int] | None = None
) -> tuple[Definition, Measured]:
    """A figure with all the records it rests on. Raises NotFound for one that is not defined."""
    chosen = definitions(versions)
    if name not in chosen:
        raise NotFound(f"there is no figure {name}")
    return chosen[name], chosen[name].measure(view, view.last if month is None else month)


def figure_of(view: View, definition: Definition, month: int, as_of: datetime, known_at: datetime) -> Figure:
    """The record of one figure."""
    found = definition.measure(view, month)
    parts = found.evidence.gathered()
    return Figure(
        name=definition.name,
        value=found.value,
        unit=unit_of(definition, view.currency),
        definition_version=definition.version,
        as_of=as_of,
        known_at=known_at,
        event_ids=_named(parts),
        event_count=sum(view.count_events(part) for part in parts),
        unknown=found.unknown,
        note=found.note,
    )


def unit_of(definition: Definition, currency: str) -> str:
    """The unit as a record states it: `minor:eur` for money."""
    return {"money": f"minor:{currency}", "usd": "minor:usd"}.get(definition.unit, definition.unit)


def _values(view: View, chosen: Mapping[str, Definition], month: int) -> dict[str, object]:
    found = {name: one.measure(view, month).value for name, one in chosen.items() if one.monthly}
    return {name: value for name, value in found.items() if value is not None}


def _standing(view: View) -> Standing:
    """Payouts switched off, and card programmes breached in the last complete month."""
    seen = [one for one in view.books.switches if one.at <= view.as_of]
    disabled = bool(seen) and not seen[-1].enabled
    breaches = tuple(
        programme.name
        for programme in view.reference.programmes
        if (limit := programme.threshold(month_day(view.last))) is not None
        and _reaches(view, programme.counts, programme.ratio, limit.count, limit.strictly_more, limit.ratio)
    )
    events = {
        programme.name: _named(REGISTER[programme.counts, 1].measure(view, view.last).evidence.gathered())
        for programme in view.reference.programmes
        if programme.name in breaches
    }
    switched = (seen[-1].event,) if disabled else ()
    return Standing(
        payouts_disabled=disabled,
        programme_breaches=breaches,
        event_ids=(*switched, *(event for shown in events.values() for event in shown)),
        breach_events=events,
    )


def _named(parts: Iterable[Sequence[Recorded]]) -> tuple[str, ...]:
    """The first events that records rest on: those a figure names itself."""
    events = (event for part in parts for record in part for event in record.events)
    return tuple(islice(events, NAMED_EVENTS))


def _reaches(view: View, counts: str, ratio: str, least: int, strictly: bool, share: Decimal) -> bool:
    number = REGISTER[counts, 1].measure(view, view.last).value
    found = REGISTER[ratio, 1].measure(view, view.last).value
    if number is None or found is None:
        return False
    return (number > least if strictly else number >= least) and found >= share


def _open_matters(view: View) -> Iterator[DueEvidence]:
    """What a person can still act on: warned charges, payouts that came back since the last complete month, and
    disputes that wait for evidence."""
    for warning in view.books.warnings:
        if warning.actionable and warning.at <= view.as_of:
            sale = view.flows.referred.get(warning.sale or "")
            yield DueEvidence(
                kind="fraud_warning",
                object_id=warning.id,
                amount=sale.amount if sale else 0,
                currency=sale.currency if sale else view.currency,
                event_ids=warning.events[:NAMED_EVENTS],
            )
    for payout in view.books.payouts:
        # Those of complete months are in the figures.
        if payout.at >= view.end(view.last) and payout.failed_at is not None and payout.failed_at <= view.as_of:
            yield DueEvidence(
                kind="failed_payout",
                object_id=payout.id,
                amount=payout.amount,
                currency=payout.currency,
                event_ids=payout.events[:NAMED_EVENTS],
            )
    for contest in view.books.contests:
        waiting = contest.status in ("needs_response", "warning_needs_response") and contest.at <= view.as_of
        if waiting and contest.evidence_due is not None and contest.evidence_due > view.as_of:
            yield DueEvidence(
                kind="dispute_evidence",
                object_id=contest.id,
                amount=contest.amount,
                currency=contest.currency,
                due_by=instant(contest.evidence_due),
                event_ids=contest.events[:NAMED_EVENTS],
            )
