"""The ledger's entries and histories → the books the metrics read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from adapters.ports import KnownBusiness
from processors.measuring.books import (
    Bill,
    Books,
    Contest,
    Declaration,
    FraudWarning,
    Holding,
    Outflow,
    Payout,
    Switch,
)
from processors.measuring.periods import instant, second_of
from processors.measuring.sales import own, passed_on, recurring_of, sale
from processors.measuring.subscriptions import Discounts, subscribed
from schemas.ledger import accounts, balances, billing, payments
from schemas.ledger.entries import Entry, History, Version

# The kinds of objects whose histories the books are made of.
KINDS: tuple[str, ...] = (
    payments.Charge.KIND,
    payments.DestinationCharge.KIND,
    payments.Dispute.KIND,
    payments.EarlyFraudWarning.KIND,
    balances.Payout.KIND,
    balances.Balance.KIND,
    billing.Subscription.KIND,
    billing.CustomerDiscount.KIND,
    billing.Invoice.KIND,
    billing.InvoicePayment.KIND,
    accounts.Account.KIND,
)
_REVENUE = frozenset({"charge", "application_fee"})
_REFUNDS = frozenset({"refund", "refund_reversed", "application_fee_refund"})
_DISPUTES = frozenset({"dispute_withdrawn", "dispute_reinstated"})
_GIVEN_BACK = _DISPUTES | {"refund", "refund_reversed"}


def described(books: Books, closed_through: datetime | None) -> datetime:
    """The moment that figures describe when nobody names another: that of the newest event, or the end of the newest
    closed month. No clock takes part."""
    newest = instant(books.newest)
    return newest if closed_through is None else max(newest, closed_through)


def books_of_known(business_id: str, known: KnownBusiness) -> Books:
    """The books of what a `BusinessReader` gives."""
    return books_of(
        business_id,
        livemode=known.livemode,
        happened=known.happened,
        entries=known.entries,
        histories=known.histories,
        declarations=[
            Declaration(
                second_of(one.at),
                one.data.reporting_currency,
                one.data.monthly_burn,
                one.data.monthly_debt_service,
                one.event_id,
            )
            for one in known.declarations
        ],
    )


def books_of(
    business_id: str,
    *,
    livemode: bool,
    entries: Sequence[Entry],
    histories: Sequence[History],
    declarations: Sequence[Declaration] = (),
    happened: datetime | None = None,
) -> Books:
    """The books of a business. The order of what comes in does not matter.

    `happened` is the newest moment of what is known; without it, that of the entries and histories.
    """
    by_kind: dict[str, list[History]] = {kind: [] for kind in KINDS}
    for history in histories:
        by_kind.setdefault(history.kind, []).append(history)
    charges = {
        history.object_id: state
        for history in (*by_kind[payments.Charge.KIND], *by_kind[payments.DestinationCharge.KIND])
        if isinstance(state := history.latest.state, payments.Charge)
    }
    # A destination charge is the connected account's revenue; the platform's own is its fee, less Stripe's – or, where
    # a part only was passed on, what it kept.
    others = {id: charge for id, charge in charges.items() if charge.destination}
    sale_of = _Sales(entries)
    recurring = recurring_of(by_kind)
    kept = [entry for entry in (own(entry, others) for entry in entries) if entry is not None]
    discounts = Discounts(by_kind[billing.CustomerDiscount.KIND])
    subscriptions = (subscribed(history, discounts) for history in by_kind[billing.Subscription.KIND])
    account = by_kind[accounts.Account.KIND]
    return Books(
        business_id=business_id,
        livemode=livemode,
        newest=_newest(entries, histories) if happened is None else second_of(happened),
        currency=_settles_in(account),
        sales=_ordered(sale(entry, charges, recurring) for entry in kept if entry.kind in _REVENUE),
        passed_on=_ordered(
            passed_on(entry, others[entry.object_id])
            for entry in entries
            if entry.kind == "charge" and entry.object_id in others
        ),
        # What comes back of a part that was passed on pays for its share of the refund.
        refunds=_ordered(
            _outflow(entry, sale_of)
            for entry in kept
            if entry.kind in _REFUNDS or (entry.kind == "transfer_reversed" and entry.charge in others)
        ),
        withdrawals=_ordered(_outflow(entry, sale_of) for entry in kept if entry.kind in _DISPUTES),
        fees=_ordered(_outflow(entry, sale_of) for entry in kept if entry.kind == "fee"),
        contests=_ordered(_contest(one) for one in by_kind[payments.Dispute.KIND]),
        warnings=_ordered(_warning(one) for one in by_kind[payments.EarlyFraudWarning.KIND]),
        payouts=_ordered(_payout(one) for one in by_kind[balances.Payout.KIND]),
        subscriptions=tuple(sorted((one for one in subscriptions if one), key=lambda one: one.id)),
        bills=tuple(sorted(filter(None, map(_bill, by_kind[billing.Invoice.KIND])), key=lambda one: one.failed_at)),
        switches=tuple(_switches(account)),
        holdings=tuple(_holdings(by_kind[balances.Balance.KIND])),
        declarations=tuple(sorted(declarations, key=lambda one: (one.at, one.event))),
    )


def _ordered(records: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(records, key=lambda record: (record.at, record.id)))


def _newest(entries: Sequence[Entry], histories: Sequence[History]) -> int:
    moments = [entry.effective for entry in entries] + [history.latest.created for history in histories]
    return second_of(max(moments)) if moments else 0


def _settles_in(histories: Sequence[History]) -> str | None:
    for history in histories:
        state = history.latest.state
        if isinstance(state, accounts.Account) and state.default_currency:
            return state.default_currency
    return None


def _events(history: History) -> tuple[str, ...]:
    return tuple(dict.fromkeys(version.event for version in history.versions))


class _Sales:
    """Which charge or application fee an entry belongs to, also where only another entry tells."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        # Fees of refunds and disputes name these, not the charge; both are of one balance transaction.
        self._by_transaction = {
            entry.balance_transaction: entry.charge
            for entry in entries
            if entry.kind in _GIVEN_BACK and entry.balance_transaction is not None
        }

    def __call__(self, entry: Entry) -> str | None:
        return entry.charge or self._by_transaction.get(entry.balance_transaction or "")


def _outflow(entry: Entry, sale_of: _Sales) -> Outflow:
    settled = None if entry.settled_amount is None else -entry.settled_amount
    return Outflow(
        id=entry.id,
        sale=sale_of(entry),
        at=second_of(entry.effective),
        amount=-entry.amount,
        currency=entry.currency,
        settled=settled,
        settled_currency=entry.settled_currency,
        provisional=entry.provisional,
        events=entry.events,
    )


def _contest(history: History) -> Contest:
    state = history.latest.state
    assert isinstance(state, payments.Dispute)
    seen = [(version, version.state) for version in history.versions if isinstance(version.state, payments.Dispute)]
    # An inquiry that became a dispute is one, from then on.
    disputed = next((version for version, one in seen if not one.is_inquiry), None)
    opened = second_of(state.at) if disputed in (None, history.versions[0]) else second_of(disputed.created)
    return Contest(
        id=history.object_id,
        sale=state.charge,
        at=opened,
        amount=state.amount,
        currency=state.currency,
        status=state.status,
        inquiry=disputed is None,
        prevented=state.status == "prevented",
        evidence_due=None if state.evidence_due_by is None else second_of(state.evidence_due_by),
        has_evidence=bool(state.has_evidence),
        events=_events(history),
    )


def _warning(history: History) -> FraudWarning:
    state = history.latest.state
    assert isinstance(state, payments.EarlyFraudWarning)
    return FraudWarning(history.object_id, state.charge, second_of(state.at), state.actionable, _events(history))


def _payout(history: History) -> Payout:
    state = history.latest.state
    assert isinstance(state, balances.Payout)
    arrival = None if state.arrival_date is None else second_of(state.arrival_date)
    paid, failed = _first_seen(history, "paid"), _first_seen(history, "failed")
    # A list read later shows that it was paid, not when: by its arrival date, as far as anybody can tell.
    listed = paid is not None and paid.is_listed
    paid_at = None if paid is None else second_of(paid.created)
    if listed and paid_at is not None:
        paid_at = min(paid_at, max(second_of(state.at), arrival or 0))
    return Payout(
        id=history.object_id,
        at=second_of(state.at),
        arrival=arrival,
        amount=state.amount,
        currency=state.currency,
        status=state.status,
        paid_at=paid_at,
        failed_at=None
        if failed is None
        else second_of(history.told_at(failed, max(state.at, state.arrival_date or state.at))),
        automatic=state.automatic,
        events=_events(history),
        paid_told=not listed,
    )


def _first_seen(history: History, status: str) -> Version | None:
    found = (version for version in history.versions if getattr(version.state, "status", None) == status)
    return next(found, None)


def _bill(history: History) -> Bill | None:
    """An invoice that failed at least once; None for one that did not."""
    latest = history.latest.state
    assert isinstance(latest, billing.Invoice)
    failed: int | None = None
    for version in history.versions:
        state = version.state
        if isinstance(state, billing.Invoice) and _has_failed(version, state):
            failed = second_of(history.told_at(version, state.finalized_at or state.at))
            break
    if failed is None and latest.attempt_count > 1:
        failed = second_of(latest.at)
    if failed is None:
        return None
    paid = latest.paid_at or history.latest.created if latest.status == "paid" else None
    return Bill(
        id=history.object_id,
        failed_at=failed,
        paid_at=None if paid is None else second_of(paid),
        amount=latest.amount_due,
        currency=latest.currency,
        events=_events(history),
    )


def _has_failed(version: Version, invoice: billing.Invoice) -> bool:
    """Whether a version shows a payment that failed. An attempt alone is none: a bank debit is under way for days."""
    if not invoice.attempt_count or invoice.status not in ("open", "uncollectible"):
        return False
    told = "invoice.payment_failed" in (version.stripe_type, *version.also)
    retried = invoice.attempt_count > 1 or invoice.next_payment_attempt is not None
    return told or retried or invoice.status == "uncollectible"


def _in_time(histories: Sequence[History]) -> list[Version]:
    """The versions of several objects by time. Those of one object keep the order of its history, which knows more
    of a second than the time does."""
    by_object = sorted(histories, key=lambda history: history.object_id)
    return sorted((version for history in by_object for version in history.versions), key=lambda one: one.created)


def _switches(histories: Sequence[History]) -> Iterable[Switch]:
    enabled: bool | None = None
    for version in _in_time(histories):
        state = version.state
        if isinstance(state, accounts.Account) and state.payouts_enabled not in (None, enabled):
            enabled = bool(state.payouts_enabled)
            yield Switch(second_of(version.created), enabled, version.event)


def _holdings(histories: Sequence[History]) -> Iterable[Holding]:
    for version in _in_time(histories):
        state = version.state
        if isinstance(state, balances.Balance):
            sums: dict[str, int] = {}
            for held in (*state.available, *state.pending):
                sums[held.currency] = sums.get(held.currency, 0) + held.amount
            yield Holding(second_of(version.created), tuple(sorted(sums.items())), version.event)
