"""Destination charges that are passed on in part (`transfer_data[amount]`): what a platform keeps is its revenue."""

from __future__ import annotations

from typing import Any

from schemas.metrics import MetricsComputed
from tests.ledger.stories import charge, refund, transaction
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from

PASSED_ON = {"destination": "acct_1", "amount": 8_000}


def transfer(reversed_amount: int = 0) -> dict[str, Any]:
    return {
        "id": "tr_1",
        "object": "transfer",
        "amount": 8_000,
        "amount_reversed": reversed_amount,
        "currency": "usd",
        "created": at(1),
        "destination": "acct_1",
        "source_transaction": "ch_1",
    }


def told(*events: dict[str, Any], **more: Any) -> MetricsComputed:
    sold = charge("1", 1, 10_000, "usd", transfer_data=PASSED_ON, **more)
    made = event("2", "transfer.created", 1, transfer())
    return measured(books_from([event("1", "charge.succeeded", 1, sold), made, *events]), "2026-02-01")


def test_platform_earns_what_it_keeps_of_a_charge_less_stripes_fee() -> None:
    plain = told()
    assert (plain.value("gross_revenue"), plain.value("charges")) == (2_000, 1)
    settled = told(balance_transaction=transaction("1", 1, 10_000, "usd", "ch_1", 320))
    assert (settled.value("gross_revenue"), settled.value("net_revenue")) == (2_000, 1_680)
    assert settled.figure("net_revenue").note is None


def test_platform_bears_of_a_refund_what_does_not_come_back_from_the_account() -> None:
    back = event("3", "refund.created", 2, refund("1", 2, 10_000, "usd", "1", "succeeded"))
    assert told(back).value("net_revenue") == -8_000
    returned = event("4", "transfer.reversed", 2, transfer(8_000), previous={"amount_reversed": 0})
    assert told(back, returned).value("net_revenue") == 0


def test_kept_part_is_converted_by_the_days_rate_when_the_charge_was_settled_in_another_currency() -> None:
    sale = transaction("1", 1, 8_100, "eur", "ch_1", 200)
    found = told(balance_transaction=sale)
    # Of 100.00 usd 20.00 stayed: 16.00 eur at 1.25; the fee is known, in euros.
    assert (found.currency, found.value("gross_revenue"), found.value("net_revenue")) == ("eur", 1_600, 1_400)


def test_whole_charge_belongs_to_the_account_when_no_part_is_named() -> None:
    sold = charge("1", 1, 10_000, "usd", transfer_data={"destination": "acct_1"})
    kept = charge("2", 1, 500, "usd")
    story = [event("1", "charge.succeeded", 1, sold), event("2", "charge.succeeded", 1, kept)]
    assert measured(books_from(story), "2026-02-01").value("gross_revenue") == 500
