"""Charges and application fees → sales: what is the business's own, whose it is, and what of it recurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from processors.measuring.books import PassedOn, Sale
from processors.measuring.periods import second_of
from schemas.ledger import billing, payments
from schemas.ledger.entries import Entry, History

# What stays the platform's also where the charge was another account's.
_PLATFORMS = frozenset({"application_fee", "application_fee_refund", "fee"})


class Recurring(NamedTuple):
    """What belongs to subscriptions: their invoices (`others` are no subscription's) and the payments for those."""

    invoices: frozenset[str]
    others: frozenset[str]
    payments: frozenset[str]
    customers: frozenset[str]


def own(entry: Entry, passed_on: Mapping[str, payments.Charge]) -> Entry | None:
    """An entry as the business's own: None where it belongs to the account that a destination charge was for."""
    if entry.charge is None or entry.charge not in passed_on or entry.kind in _PLATFORMS:
        return entry
    part = passed_on[entry.charge].transfer_amount
    if part is None:
        return None
    if entry.kind != "charge":
        return entry
    # The settled amount is of the whole charge, and exchange rates are Stripe's.
    in_one = entry.settled_amount is not None and entry.settled_currency == entry.currency
    settled = max(0, (entry.settled_amount or 0) - part) if in_one else None
    return entry._replace(amount=max(0, entry.amount - part), settled_amount=settled)


def recurring_of(by_kind: Mapping[str, Sequence[History]]) -> Recurring:
    """What recurs, from the histories of invoices, their payments and subscriptions."""
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
    return Recurring(frozenset(invoices), frozenset(others), frozenset(paid), frozenset(customers))


def _of_subscription(invoice: billing.Invoice) -> bool:
    return invoice.subscription is not None or (invoice.billing_reason or "").startswith("subscription")


def sale(entry: Entry, charges: Mapping[str, payments.Charge], recurring: Recurring) -> Sale:
    """The sale that a charge's or an application fee's entry is."""
    charge = charges.get(entry.object_id)
    card = f"card:{charge.fingerprint}" if charge is not None and charge.fingerprint else None
    customer = entry.customer or card
    return Sale(
        id=entry.object_id,
        at=second_of(entry.effective),
        customer=customer or f"{entry.object_kind}:{entry.object_id}",
        amount=entry.amount,
        currency=entry.currency,
        settled=entry.settled_amount,
        settled_currency=entry.settled_currency,
        # A known balance transaction has its fee as an entry of its own; of a destination charge Stripe's is another's.
        fee_known=entry.settled_currency is not None or entry.object_kind == payments.DestinationCharge.KIND,
        recurring=charge is not None and _recurs(entry.object_id, charge, recurring),
        network=None if charge is None else _network(charge),
        card_not_present=charge is not None and _is_remote(charge),
        events=entry.events,
        is_charge=entry.kind == "charge",
    )


def passed_on(entry: Entry, charge: payments.Charge) -> PassedOn:
    """What of a destination charge was another account's."""
    part = charge.transfer_amount
    return PassedOn(
        id=entry.object_id,
        at=second_of(entry.effective),
        amount=entry.amount if part is None else min(part, entry.amount),
        currency=entry.currency,
        network=_network(charge),
        card_not_present=_is_remote(charge),
        whole=part is None,
        events=entry.events,
    )


def _network(charge: payments.Charge) -> str | None:
    return charge.network or charge.brand


def _is_remote(charge: payments.Charge) -> bool:
    return charge.method in ("card", None) and not charge.card_present


def _recurs(id: str, charge: payments.Charge, recurring: Recurring) -> bool:
    if id in recurring.payments or charge.payment_intent in recurring.payments or charge.invoice in recurring.invoices:
        return True
    # Its invoice was never seen: a subscriber's invoice is taken for one of the subscription's.
    unseen = charge.invoice is not None and charge.invoice not in recurring.others
    return unseen and charge.customer in recurring.customers
