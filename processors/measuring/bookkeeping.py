"""The ledger's entries and histories → the books the metrics read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

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
    Sale,
    Switch,
)
from processors.measuring.periods import instant
from processors.measuring.subscriptions import Discounts, subscribed
from schemas.ledger import accounts, balances, billing, payments
from schemas.ledger.entries import Entry, History, Version

# The kinds of objects whose histories the books are made of.
KINDS: tuple[str, ...] = (
    payments.Charge.KIND,
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
_PLATFORMS = frozenset({"application_fee", "application_fee_refund", "fee"})
_REFUNDS = frozenset({"refund", "refund_reversed", "application_fee_refund"})
_DISPUTES = frozenset({"dispute_withdrawn", "dispute_reinstated"})


class _Recurring(NamedTuple):
    """What belongs to subscriptions: their invoices (`others` are no subscription's) and the payments for those."""

    invoices: frozenset[str]
    others: frozenset[str]
    payments: frozenset[str]
    customers: frozenset[str]


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
                _second(one.at),
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
    charges = {history.object_id: history.latest.state for history in by_kind[payments.Charge.KIND]}
    # A destination charge is the connected account's revenue; the platform's own is its fee, less Stripe's – or, where
    # a part only was passed on, what it kept.
    passed_on = {
        id: state.transfer_amount
        for id, state in charges.items()
        if isinstance(state, payments.Charge) and state.destination
    }
    recurring = _recurring(by_kind)
    own = [entry for entry in (_own(entry, passed_on) for entry in entries) if entry is not None]
    discounts = Discounts(by_kind[billing.CustomerDiscount.KIND])
    subscriptions = (subscribed(history, discounts) for history in by_kind[billing.Subscription.KIND])
    account = by_kind[accounts.Account.KIND]
    return Books(
        business_id=business_id,
        livemode=livemode,
        newest=_newest(entries, histories) if happened is None else _second(happened),
        currency=_settles_in(account),
        sales=_ordered(_sale(entry, charges, recurring) for entry in own if entry.kind in _REVENUE),
        # What comes back of a part that was passed on pays for its share of the refund.
        refunds=_ordered(
            _outflow(entry)
            for entry in own
            if entry.kind in _REFUNDS or (entry.kind == "transfer_reversed" and entry.charge in passed_on)
        ),
        withdrawals=_ordered(_outflow(entry) for entry in own if entry.kind in _DISPUTES),
        fees=_ordered(_outflow(entry) for entry in own if entry.kind == "fee"),
        contests=_ordered(_contest(one) for one in by_kind[payments.Dispute.KIND]),
        warnings=_ordered(_warning(one) for one in by_kind[payments.EarlyFraudWarning.KIND]),
        payouts=_ordered(_payout(one) for one in by_kind[balances.Payout.KIND]),
        subscriptions=tuple(sorted((one for one in subscriptions if one), key=lambda one: one.id)),
        bills=tuple(sorted(filter(None, map(_bill, by_kind[billing.Invoice.KIND])), key=lambda one: one.failed_at)),
        switches=tuple(_switches(account)),
        holdings=tuple(_holdings(by_kind[balances.Balance.KIND])),
        declarations=tuple(sorted(declarations, key=lambda one: (one.at, one.event))),
    )


def _own(entry: Entry, passed_on: Mapping[str, int | None]) -> Entry | None:
    """An entry as the business's own: None where it belongs to the account that a destination charge was for."""
    if entry.charge is None or entry.charge not in passed_on or entry.kind in _PLATFORMS:
        return entry
    part = passed_on[entry.charge]
    if part is None:
        return None
    if entry.kind != "charge":
        return entry
    # The settled amount is of the whole charge, and exchange rates are Stripe's.
    in_one = entry.settled_amount is not None and entry.settled_currency == entry.currency
    settled = max(0, (entry.settled_amount or 0) - part) if in_one else None
    return entry._replace(amount=max(0, entry.amount - part), settled_amount=settled)


def _ordered(records: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(records, key=lambda record: (record.at, record.id)))


def _second(moment: datetime) -> int:
    return int(moment.timestamp())


def _newest(entries: Sequence[Entry], histories: Sequence[History]) -> int:
    moments = [entry.effective for entry in entries] + [history.latest.created for history in histories]
    return _second(max(moments)) if moments else 0


def _settles_in(histories: Sequence[History]) -> str | None:
    for history in histories:
        state = history.latest.state
        if isinstance(state, accounts.Account) and state.default_currency:
            return state.default_currency
    return None


def _events(history: History) -> tuple[str, ...]:
    return tuple(dict.fromkeys(version.event for version in history.versions))


def _recurring(by_kind: dict[str, list[History]]) -> _Recurring:
    invoices: set[str] = set()
    others: set[str] = set()
    paid: set[str] = set()
    customers: set[str] = set()
    for history in by_kind[billing.Invoice.KIND]:
        state = history.latest.state
        if isinstance(state, billing.Invoice) and _of_subscription(state):
            invoices.add(history.object_id)
            paid.update(filter(None, (state.charge, state.payment_intent)))
        else:
            others.add(history.object_id)
    for history in by_kind[billing.InvoicePayment.KIND]:
        payment = history.latest.state
        if isinstance(payment, billing.InvoicePayment) and payment.invoice in invoices:
            paid.update(filter(None, (payment.charge, payment.payment_intent)))
    for history in by_kind[billing.Subscription.KIND]:
        subscription = history.latest.state
        if isinstance(subscription, billing.Subscription) and subscription.customer:
            customers.add(subscription.customer)
    return _Recurring(frozenset(invoices), frozenset(others), frozenset(paid), frozenset(customers))


def _of_subscription(invoice: billing.Invoice) -> bool:
    return invoice.subscription is not None or (invoice.billing_reason or "").startswith("subscription")


def _sale(entry: Entry, charges: dict[str, Any], recurring: _Recurring) -> Sale:
    found = charges.get(entry.object_id)
    charge = found if isinstance(found, payments.Charge) else None
    card = f"card:{charge.fingerprint}" if charge is not None and charge.fingerprint else None
    customer = entry.customer or card
    return Sale(
        id=entry.object_id,
        at=_second(entry.effective),
        customer=customer or f"{entry.object_kind}:{entry.object_id}",
        amount=entry.amount,
        currency=entry.currency,
        settled=entry.settled_amount,
        settled_currency=entry.settled_currency,
        # A known balance transaction has its fee as an entry of its own.
        fee=None if entry.settled_currency is None else 0,
        recurring=charge is not None and _recurs(entry.object_id, charge, recurring),
        network=None if charge is None else charge.network or charge.brand,
        card_not_present=charge is not None and charge.method in ("card", None) and not charge.card_present,
        events=entry.events,
    )


def _recurs(id: str, charge: payments.Charge, recurring: _Recurring) -> bool:
    if id in recurring.payments or charge.payment_intent in recurring.payments or charge.invoice in recurring.invoices:
        return True
    # Its invoice was never seen: a subscriber's invoice is taken for one of the subscription's.
    unseen = charge.invoice is not None and charge.invoice not in recurring.others
    return unseen and charge.customer in recurring.customers


def _outflow(entry: Entry) -> Outflow:
    settled = None if entry.settled_amount is None else -entry.settled_amount
    return Outflow(
        id=entry.id,
        sale=entry.charge,
        at=_second(entry.effective),
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
    opened = _second(state.at) if disputed in (None, history.versions[0]) else _second(disputed.created)
    return Contest(
        id=history.object_id,
        sale=state.charge,
        at=opened,
        amount=state.amount,
        currency=state.currency,
        status=state.status,
        inquiry=disputed is None,
        prevented=state.status == "prevented",
        evidence_due=None if state.evidence_due_by is None else _second(state.evidence_due_by),
        has_evidence=bool(state.has_evidence),
        events=_events(history),
    )


def _warning(history: History) -> FraudWarning:
    state = history.latest.state
    assert isinstance(state, payments.EarlyFraudWarning)
    return FraudWarning(history.object_id, state.charge, _second(state.at), state.actionable, _events(history))


def _payout(history: History) -> Payout:
    state = history.latest.state
    assert isinstance(state, balances.Payout)
    arrival = None if state.arrival_date is None else _second(state.arrival_date)
    paid, failed = _first_seen(history, "paid"), _first_seen(history, "failed")
    # A list read later shows that it was paid, not when: by its arrival date, as far as anybody can tell.
    listed = paid is not None and paid.is_listed
    paid_at = None if paid is None else _second(paid.created)
    if listed and paid_at is not None:
        paid_at = min(paid_at, max(_second(state.at), arrival or 0))
    return Payout(
        id=history.object_id,
        at=_second(state.at),
        arrival=arrival,
        amount=state.amount,
        currency=state.currency,
        status=state.status,
        paid_at=paid_at,
        failed_at=None
        if failed is None
        else _second(history.told_at(failed, max(state.at, state.arrival_date or state.at))),
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
            failed = _second(history.told_at(version, state.finalized_at or state.at))
            break
    if failed is None and latest.attempt_count > 1:
        failed = _second(latest.at)
    if failed is None:
        return None
    paid = latest.paid_at or history.latest.created if latest.status == "paid" else None
    return Bill(
        id=history.object_id,
        failed_at=failed,
        paid_at=None if paid is None else _second(paid),
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
            yield Switch(_second(version.created), enabled, version.event)


def _holdings(histories: Sequence[History]) -> Iterable[Holding]:
    for version in _in_time(histories):
        state = version.state
        if isinstance(state, balances.Balance):
            sums: dict[str, int] = {}
            for held in (*state.available, *state.pending):
                sums[held.currency] = sums.get(held.currency, 0) + held.amount
            yield Holding(_second(version.created), tuple(sorted(sums.items())), version.event)
