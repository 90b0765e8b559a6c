"""Destination charges that are passed on in part (`transfer_data[amount]`): what a platform keeps is its revenue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from processors.scoring.score import score
from schemas.metrics import MetricsComputed
from tests.ledger.stories import charge, dispute, refund, transaction
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


VISA = {"payment_method_details": {"type": "card", "card": {"brand": "visa", "network": "visa"}}}


def fee(number: str, day: float, **more: Any) -> dict[str, Any]:
    made = {
        "id": f"fee_{number}",
        "object": "application_fee",
        "amount": 200_000,
        "currency": "usd",
        "created": at(day),
    }
    return event(f"fee{number}", "application_fee.created", day, {**made, "account": f"acct_{number}", **more})


@pytest.mark.parametrize("amount", [None, 8_000])
def test_disputes_are_measured_against_all_charges_when_the_money_of_most_was_passed_on(amount: int | None) -> None:
    passed = {"destination": "acct_1", **({"amount": amount} if amount else {})}
    sold = [charge(str(number), 1, 10_000, "usd", transfer_data=passed, **VISA) for number in range(9)]
    story = [event(f"c{one['id']}", "charge.succeeded", 1, one) for one in sold]
    story.append(event("own", "charge.succeeded", 1, charge("own", 1, 10_000, "usd", **VISA)))
    story.append(event("dp", "charge.dispute.created", 9, dispute("1", 9, 10_000, "usd", "3", "needs_response")))
    found = measured(books_from([*story, fee("1", 1)]), "2026-02-01")
    # One of the ten, as the card networks count; the platform's own are fewer.
    names = ("dispute_activity", "dispute_activity_volume", "dispute_rate_by_charge", "visa_vamp")
    assert {name: found.value(name) for name in names} == dict.fromkeys(names, Decimal("0.1"))
    assert found.value("worst_month_charges") == found.figure("worst_month_charges").event_count == 10
    assert found.value("charges") == found.figure("charges").event_count == (10 if amount else 1)
    assert found.value("gross_revenue") == 200_000 + (28_000 if amount else 10_000)


def test_platform_of_fees_alone_has_no_disputes_and_no_charges() -> None:
    found = measured(books_from([fee(str(number), 2 + 30 * number) for number in range(4)]), "2026-05-01")
    assert (found.value("charges"), found.value("gross_revenue")) == (0, 200_000)
    activity = found.figure("dispute_activity_worst")
    assert (activity.value, activity.note) == (0, "application fees alone: there was no charge to dispute")
    points = {factor.name: (factor.points, factor.low) for factor in score(found).factors}
    assert points["dispute_activity"] == (15, 15)


def test_refunded_fee_counts_in_the_month_of_the_fee() -> None:
    given_back = {"id": "fr_1", "object": "fee_refund", "amount": 50_000, "currency": "usd", "created": at(40)}
    story = [
        fee("1", 2),
        fee("2", 33),
        event("fr", "application_fee.refund.updated", 40, {**given_back, "fee": "fee_1"}),
    ]
    found = measured(books_from(story), "2026-03-01")
    assert [month.values["net_revenue_cohort"] for month in found.months] == [150_000, 200_000]
    assert (found.value("refund_rate"), found.value("refund_rate_count")) == (Decimal("0.125"), Decimal("0.5"))


def test_fee_of_a_charge_passed_on_before_the_first_sale_counts_in_the_first_month() -> None:
    bill = transaction("1", 1, 10_000, "usd", "ch_1", 320)
    passed = charge("1", 1, 10_000, "usd", transfer_data={"destination": "acct_1"}, balance_transaction=bill)
    story = [event("1", "charge.succeeded", 1, passed), *(fee(str(number), 33 + 30 * number) for number in range(3))]
    found = measured(books_from(story), "2026-05-01")
    assert [month.month for month in found.months] == ["2026-02", "2026-03", "2026-04"]
    assert [month.values["net_revenue_cohort"] for month in found.months] == [199_680, 200_000, 200_000]
