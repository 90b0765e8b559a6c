"""Businesses as their webhooks tell them, small enough to compute their ledgers by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from processors.ledger.attribution import attributed
from processors.ledger.observe import facts_of
from processors.ledger.stage import ledger, told_by
from schemas.envelope import about_business
from schemas.ledger.balance_identity import BalanceIdentity, Movement, balance_identity, completed
from schemas.ledger.balances import BalanceTransaction
from schemas.ledger.booking import entries_of
from schemas.ledger.entries import Entry, History
from schemas.ledger.evidence import evidence_of
from schemas.ledger.fold import Sighting, history
from schemas.ledger.observation import Observation
from schemas.wire import Message
from streams.outputs import StageOutputs
from tests.ledger.webhooks import BUSINESS, START, at, event, webhook

Payload = dict[str, Any]
OUTPUTS = StageOutputs(ledger, clock=lambda: START)


def charge(number: str, day: float, amount: int, currency: str, **more: Any) -> Payload:
    return {
        "id": f"ch_{number}",
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "currency": currency,
        "status": "succeeded",
        "captured": True,
        "paid": True,
        "refunded": False,
        "created": at(day),
        "customer": "cus_1",
        **more,
    }


def transaction(name: str, day: float, amount: int, currency: str, source: str, fee: int = 0, **more: Any) -> Payload:
    return {
        "id": f"txn_{name}",
        "object": "balance_transaction",
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "source": source,
        "type": "charge",
        "created": at(day),
        "fee_details": [{"type": "stripe_fee", "amount": fee, "currency": currency}] if fee else [],
        **more,
    }


def refund(number: str, day: float, amount: int, currency: str, of: str, status: str, **more: Any) -> Payload:
    return {
        "id": f"re_{number}",
        "object": "refund",
        "amount": amount,
        "currency": currency,
        "charge": f"ch_{of}",
        "status": status,
        "created": at(day),
        **more,
    }


def dispute(number: str, day: float, amount: int, currency: str, of: str, status: str, **more: Any) -> Payload:
    return {
        "id": f"dp_{number}",
        "object": "dispute",
        "amount": amount,
        "currency": currency,
        "charge": f"ch_{of}",
        "status": status,
        "reason": "fraudulent",
        "created": at(day),
        "balance_transactions": [],
        **more,
    }


def payout(number: str, day: float, amount: int, currency: str, status: str, **more: Any) -> Payload:
    return {
        "id": f"po_{number}",
        "object": "payout",
        "amount": amount,
        "currency": currency,
        "status": status,
        "automatic": True,
        "created": at(day),
        "arrival_date": at(day + 2),
        **more,
    }


def business() -> list[Payload]:
    """A little of everything, in euros, with balance transactions: what folds and tables are tried on."""
    sale = transaction("1", 0, 10_000, "eur", "ch_1", 320)
    back = transaction("2", 2, -2_500, "eur", "re_1", type="refund")
    taken = transaction("3", 6, -5_000, "eur", "dp_1", 2_000, type="adjustment", reporting_category="dispute")
    given = transaction("4", 30, 5_000, "eur", "dp_1", type="adjustment", reporting_category="dispute_reversal")
    out = transaction("5", 8, -7_000, "eur", "po_1", type="payout")
    home = transaction("6", 12, 7_000, "eur", "po_1", type="payout_failure")
    monthly = transaction("7", 9, -150, "eur", "fee_1", type="stripe_fee")
    paid = payout("1", 8, 7_000, "eur", "paid", balance_transaction=out)
    subscription = {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "created": at(0),
        "items": {
            "data": [
                {
                    "id": "si_1",
                    "quantity": 1,
                    "price": {
                        "id": "price_1",
                        "currency": "eur",
                        "unit_amount_decimal": "1000",
                        "recurring": {"interval": "month", "interval_count": 1},
                    },
                }
            ]
        },
    }
    late = {**subscription, "status": "past_due"}
    return [
        event("01", "customer.created", 0, {"id": "cus_1", "object": "customer", "created": at(0)}),
        event("02", "charge.succeeded", 0, charge("1", 0, 10_000, "eur", balance_transaction=sale)),
        event("03", "charge.succeeded", 0.5, charge("2", 0.5, 5_000, "eur")),
        event(
            "04",
            "charge.refunded",
            2,
            charge("1", 0, 10_000, "eur", balance_transaction="txn_1", amount_refunded=2_500),
            previous={"amount_refunded": 0},
        ),
        event("05", "refund.created", 2, refund("1", 2, 2_500, "eur", "1", "succeeded", balance_transaction=back)),
        event("06", "charge.dispute.created", 6, dispute("1", 6, 5_000, "eur", "2", "needs_response")),
        event(
            "07",
            "charge.dispute.funds_withdrawn",
            6,
            dispute("1", 6, 5_000, "eur", "2", "needs_response", balance_transactions=[taken]),
            previous={"balance_transactions": []},
        ),
        event(
            "08",
            "charge.dispute.closed",
            30,
            dispute("1", 6, 5_000, "eur", "2", "won", balance_transactions=[taken, given]),
            previous={"status": "needs_response", "balance_transactions": [taken]},
        ),
        event("09", "payout.created", 8, {**paid, "status": "pending"}),
        event("10", "payout.paid", 10, paid),
        event("11", "payout.failed", 12, {**paid, "status": "failed", "failure_balance_transaction": home}),
        event("12", "balance_transaction.listed", 9, monthly),
        event("13", "customer.subscription.created", 0, subscription),
        # Two changes within a second: only their previous attributes tell which came first.
        event("15", "customer.subscription.updated", 20, late, previous={"status": "active"}),
        event("14", "customer.subscription.updated", 20, subscription, previous={"status": "past_due"}),
        event("16", "product.updated", 21, {"id": "prod_1", "object": "product"}),
        event("17", "customer.deleted", 40, {"id": "cus_1", "object": "customer", "deleted": True}),
    ]


def uncaptured() -> list[Payload]:
    """Holds that end in every way, with the refund objects that some API versions make of what is let go."""
    voided = charge("21", 0, 50_000, "eur", captured=False, amount_captured=0)
    part = charge("22", 0, 10_000, "eur", captured=True, amount_captured=6_000, amount_refunded=4_000)
    again = charge("23", 0, 10_000, "eur", captured=True, amount_captured=6_000, amount_refunded=8_000)
    both = {**again, "id": "ch_28"}
    return [
        event("211", "charge.succeeded", 0, voided),
        event("212", "charge.refunded", 2, {**voided, "amount_refunded": 50_000, "refunded": True}),
        event("213", "refund.created", 2, refund("21", 2, 50_000, "eur", "21", "succeeded")),
        event("214", "charge.expired", 7, charge("24", 0, 700, "eur", captured=False, amount_refunded=700)),
        event("221", "charge.captured", 3, part),
        event("222", "refund.created", 3, refund("22", 3, 4_000, "eur", "22", "succeeded")),
        event("231", "charge.captured", 3, {**again, "amount_refunded": 4_000}),
        event("232", "charge.refunded", 5, again),
        event("233", "refund.created", 5, refund("23", 5, 4_000, "eur", "23", "succeeded")),
        event("281", "charge.captured", 3, {**both, "amount_refunded": 4_000}),
        event("282", "refund.created", 3, refund("28", 3, 4_000, "eur", "28", "succeeded")),
        event("283", "charge.refunded", 5, both),
    ]


def refunded_twice() -> list[Payload]:
    """Of the first refund only the charge tells; of the second a refund object does as well, the last event."""
    sold = charge("27", 0, 1_000, "eur")
    return [
        event("271", "charge.refunded", 3, {**sold, "amount_refunded": 300}, previous={"amount_refunded": 0}),
        event("272", "charge.refunded", 6, {**sold, "amount_refunded": 500}, previous={"amount_refunded": 300}),
        event("273", "refund.created", 6, refund("27", 6, 200, "eur", "27", "succeeded")),
    ]


def refunded_later() -> list[Payload]:
    """What a capture let go, and a refund of as much two days later that its charge does not know of yet."""
    part = charge("25", 0, 10_000, "eur", captured=True, amount_captured=6_000, amount_refunded=4_000)
    return [
        event("251", "charge.captured", 3, part),
        event("252", "refund.created", 3, refund("251", 3, 4_000, "eur", "25", "succeeded")),
        event("253", "refund.created", 5, refund("252", 5, 4_000, "eur", "25", "succeeded")),
    ]


def application_fee(given_back: int, **more: Any) -> Payload:
    made = {"id": "fee_1", "object": "application_fee", "amount": 900, "currency": "eur", "created": at(1)}
    return {**made, "account": "acct_1", "charge": "py_1", "amount_refunded": given_back, **more}


def fees_given_back() -> list[Payload]:
    """An application fee that is given back in two steps; of the first a refund object tells, of both the fee."""
    back = {"id": "fr_1", "object": "fee_refund", "amount": 300, "currency": "eur", "created": at(3), "fee": "fee_1"}
    return [
        event("261", "application_fee.created", 1, application_fee(0)),
        event("262", "application_fee.refund.updated", 3, back),
        event("263", "application_fee.refunded", 3, application_fee(300), previous={"amount_refunded": 0}),
        event("264", "application_fee.refunded", 6, application_fee(500), previous={"amount_refunded": 300}),
    ]


def refunded_again() -> list[Payload]:
    """A refund fails; of a later one only the charge tells."""
    sold = charge("31", 0, 20_000, "eur")
    return [
        event("311", "charge.succeeded", 0, sold),
        event("312", "charge.refunded", 1, {**sold, "amount_refunded": 10_000}),
        event("313", "refund.created", 1, refund("31", 1, 10_000, "eur", "31", "pending")),
        event("314", "refund.failed", 4, refund("31", 1, 10_000, "eur", "31", "failed")),
        event("315", "charge.updated", 4, sold),
        event("316", "charge.refunded", 6, {**sold, "amount_refunded": 3_000}),
    ]


def messages(payloads: Iterable[Mapping[str, Any]], *, tenant: str = "local") -> list[Message]:
    """The facts of webhooks as the ledger stage would append them."""
    found = []
    for payload in payloads:
        received = webhook(payload)
        cause = about_business(
            received.business, received, id=received.stripe_event, source="test", time=received.received, tenant=tenant
        )
        found += OUTPUTS.messages(cause, told_by(cause), None)
    return found


def sightings(payloads: Iterable[Mapping[str, Any]], business: str = BUSINESS) -> list[Sighting]:
    """The facts that webhooks tell of a business, as the fold takes them."""
    found = []
    for payload in payloads:
        facts = facts_of(webhook(payload))
        for ordinal, fact in enumerate([*facts, *attributed(facts, "local")]):
            if isinstance(fact, Observation) and fact.business == business:
                data = fact.model_dump(mode="json")
                found.append(
                    Sighting(
                        kind=fact.KIND,
                        object_id=fact.object_id,
                        fact_id=f"{fact.stripe_event}/{ordinal}",
                        created=fact.created,
                        event=fact.stripe_event,
                        stripe_type=fact.stripe_type,
                        state=data["state"],
                        previous=data["previous"],
                        deleted=fact.deleted,
                        contradictions=fact.contradictions,
                    )
                )
    return found


def histories(payloads: Iterable[Mapping[str, Any]], business: str = BUSINESS) -> dict[tuple[str, str], History]:
    by_object: dict[tuple[str, str], list[Sighting]] = {}
    for one in sightings(payloads, business):
        by_object.setdefault((one.kind, one.object_id), []).append(one)
    return {key: history(found) for key, found in sorted(by_object.items())}


def books(payloads: Iterable[Mapping[str, Any]], business: str = BUSINESS) -> tuple[Sequence[Entry], BalanceIdentity]:
    """The ledger of a business and whether it balances, computed in memory."""
    found = histories(payloads, business).values()
    movements = {
        one.object_id: Movement.of(one.object_id, one.latest.state)
        for one in found
        if isinstance(one.latest.state, BalanceTransaction)
    }
    entries = completed(
        (entry for one in found for entry in entries_of(one)),
        movements,
        evidence_of(list(found)),
    )
    return entries, balance_identity(entries, movements)
