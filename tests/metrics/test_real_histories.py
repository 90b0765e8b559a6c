"""Histories as real accounts bring them: read late, cut short, or ended before anybody looked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from processors.advising.rules import advices
from processors.scoring.score import score
from schemas.metrics import MetricsComputed
from tests.ledger.stories import charge, dispute, payout, transaction
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import BookOf, measured
from tests.metrics.stripe_books import books_from

MONTHLY = {
    "id": "monthly",
    "object": "price",
    "currency": "usd",
    "unit_amount_decimal": "1000",
    "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
}


def subscription(status: str, price: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": status,
        "created": at(0),
        "start_date": at(0),
        "items": {"data": [{"id": "si_1", "quantity": 1, "price": price or MONTHLY}]},
        **more,
    }


def told(*events: dict[str, Any], as_of: str = "2026-07-01") -> MetricsComputed:
    first = event("00", "charge.succeeded", 0, charge("first", 0, 100_000, "usd"))
    return measured(books_from([first, *events]), as_of)


def test_payout_is_judged_by_its_arrival_date_when_it_was_only_listed_after_it_was_paid() -> None:
    snapshot = told(
        event("1", "payout.listed", 180.9, payout("1", 100, 10_000, "usd", "paid")),
        event("2", "payout.paid", 103, payout("2", 100, 10_000, "usd", "paid")),
    )
    assert snapshot.value("payout_reliability") == 1
    assert snapshot.figure("payout_reliability").event_count == 2
    # Promised for day 102; of the listed one nobody knows.
    assert snapshot.value("payout_delay") == 1


def test_subscribers_single_invoice_is_no_recurring_revenue_when_it_is_known_to_be_one() -> None:
    invoice = {"object": "invoice", "currency": "usd", "status": "paid", "customer": "cus_1", "created": at(5)}
    snapshot = told(
        event("1", "customer.subscription.created", 0, subscription("active")),
        event("2", "invoice.paid", 5, {**invoice, "id": "in_1", "billing_reason": "manual"}),
        event("3", "invoice.paid", 5, {**invoice, "id": "in_2", "billing_reason": "subscription_cycle"}),
        event("4", "charge.succeeded", 5, charge("2", 5, 50_000, "usd", invoice="in_1")),
        event("5", "charge.succeeded", 5, charge("3", 5, 30_000, "usd", invoice="in_2")),
        event("6", "charge.succeeded", 5, charge("4", 5, 20_000, "usd", invoice="in_never_seen")),
    )
    assert snapshot.value("recurring_share") == Decimal("0.25")


def test_dispute_is_opened_when_its_inquiry_becomes_one() -> None:
    snapshot = told(
        event("1", "charge.dispute.created", 20, dispute("1", 20, 5_000, "usd", "first", "warning_needs_response")),
        event("2", "charge.succeeded", 40, charge("2", 40, 100_000, "usd")),
        event("3", "charge.dispute.updated", 40, dispute("1", 20, 5_000, "usd", "first", "needs_response")),
        as_of="2026-03-01",
    )
    assert [(month.month, month.values["disputes"]) for month in snapshot.months] == [("2026-01", 0), ("2026-02", 1)]


def test_platform_earns_its_fees_less_stripes_from_the_accounts_that_pay_them() -> None:
    sale = transaction("1", 1, 100_000, "usd", "ch_1", 3_000)
    fee = {"object": "application_fee", "amount": 10_000, "currency": "usd", "created": at(1)}
    snapshot = measured(
        books_from(
            [
                event(
                    "1",
                    "charge.succeeded",
                    1,
                    charge("1", 1, 100_000, "usd", transfer_data={"destination": "acct_1"}, balance_transaction=sale),
                ),
                event("2", "application_fee.created", 1, {**fee, "id": "fee_1", "charge": "ch_1", "account": "acct_1"}),
                event("3", "application_fee.created", 1, {**fee, "id": "fee_2", "charge": "ch_2", "account": "acct_1"}),
            ]
        ),
        "2026-02-01",
    )
    assert (snapshot.value("gross_revenue"), snapshot.value("net_revenue")) == (20_000, 17_000)
    assert snapshot.value("top1_share") == 1


@pytest.mark.parametrize(
    ("ended", "months"),
    [
        ({}, {"2026-01": 1_000, "2026-02": 1_000, "2026-03": 0}),
        # Canceled on its trial, or before the first payment: never paid.
        ({"trial_end": at(90)}, {"2026-01": 0, "2026-02": 0, "2026-03": 0}),
        ({"status": "incomplete_expired"}, {"2026-01": 0, "2026-02": 0, "2026-03": 0}),
    ],
)
def test_subscription_known_only_by_its_end_counts_until_then_if_it_was_paid(
    ended: dict[str, Any], months: dict[str, int]
) -> None:
    gone = subscription("canceled", ended_at=at(70), **ended) if not ended else {
        **subscription("canceled", ended_at=at(70)), **ended
    }  # fmt: skip
    snapshot = told(
        event("1", "customer.subscription.deleted", 70, gone),
        # A list shows the same once more, in another shape: it is no second life.
        event("2", "subscription.listed", 100, {**gone, "latest_invoice": "in_1"}),
        as_of="2026-04-01",
    )
    assert {month.month: month.values["mrr"] for month in snapshot.months} == months


def test_subscription_stays_ended_when_it_was_seen_alive_just_after_its_end() -> None:
    snapshot = told(
        event("1", "customer.subscription.created", 0, subscription("active")),
        event("2", "customer.subscription.updated", 70.00002, subscription("active", latest_invoice="in_2")),
        event("3", "customer.subscription.deleted", 70.0001, subscription("canceled", ended_at=at(70))),
    )
    assert snapshot.value("mrr_now") == 0


def test_recurring_revenue_says_what_it_leaves_out_when_a_price_is_tiered() -> None:
    tiered = {**MONTHLY, "unit_amount_decimal": None, "billing_scheme": "tiered"}
    metered = {**MONTHLY, "recurring": {**MONTHLY["recurring"], "usage_type": "metered"}}
    for price, note in ((tiered, "without 1 subscription whose price is tiered"), (metered, None), (MONTHLY, None)):
        snapshot = told(event("1", "customer.subscription.created", 0, subscription("active", price)))
        for name in ("mrr", "mrr_now", "cmrr"):
            found = snapshot.figure(name).note
            assert found is None if note is None else (found or "").startswith(note)


def test_two_years_price_is_as_annual_as_one_of_twelve_months() -> None:
    price = {**MONTHLY, "recurring": {"interval": "month", "interval_count": 12}}
    snapshot = told(event("1", "customer.subscription.created", 0, subscription("active", price)))
    assert snapshot.value("annual_share") == 1


def test_fees_that_are_missing_are_those_of_the_figures_own_time() -> None:
    sale = transaction("1", 40, 100_000, "usd", "ch_2", 3_000)
    events = [event("1", "charge.succeeded", 40, charge("2", 40, 100_000, "usd", balance_transaction=sale))]
    assert told(*events, as_of="2026-03-01").figure("net_revenue").note is None
    year = told(*events, as_of="2026-03-01").figure("annual_net_usd")
    assert year.note == "the fees of 1 charge are not known and not taken off"


def test_refunded_charges_are_counted_when_their_currency_has_no_rate() -> None:
    book = BookOf()
    book.sale("2026-01-05", 1_000)
    book.refund("2026-01-06", 500, book.sale("2026-01-05", 1_000, "xof"))
    assert measured(book, "2026-02-01").value("refund_rate_count") == Decimal("0.5")


def test_warned_charge_is_named_in_its_own_currency_and_without_an_amount_when_it_is_unknown() -> None:
    book = BookOf()
    book.steady("2026-01", 3)
    book.warning("2026-01-05", book.sale("2026-01-05", 5_000, "xof"))
    book.warning("2026-01-06", book.sale("2026-04-05", 1)._replace(id="ch_unknown"))
    triggers = [one.trigger for one in advices(measured(book, "2026-04-01")) if one.rule == "refund_warned_charge"]
    assert triggers == [
        "a card network reported fraud on a charge of 5,000 xof",
        "a card network reported fraud on a charge",
    ]


def test_score_says_what_its_figures_leave_out() -> None:
    book = BookOf()
    for month in range(1, 7):
        for day in range(100):
            number = f"{month}_{day}"
            book.sale(f"2026-{month:02d}-05", 10_000, id=number, customer=f"charge:{number}", fee_known=False)
    plain = score(measured(book, "2026-07-01"))
    assert "average_net: the fees of 300 charges are not known and not taken off." in plain.notes
    assert any(note.startswith("top1: 600 of 600 charges without customer and card") for note in plain.notes)


def test_confidence_is_low_when_money_has_no_rate_or_charges_are_few_though_no_points_are_at_stake() -> None:
    book = BookOf()
    for month in range(1, 7):
        disputed = [book.sale(f"2026-{month:02d}-05", 500_000, customer=f"cus_{n}") for n in range(30)]
        for sale in disputed:
            book.dispute(f"2026-{month:02d}-06", sale)
            book.refund(f"2026-{month:02d}-06", 500_000 // 2, sale)
    book.payout("2026-05-01", paid="2026-05-03")
    scored = score(measured(book, "2026-07-01"))
    assert [factor for factor in scored.factors if factor.low != factor.high] == []
    assert scored.confidence == "low"
    only_kuwait = BookOf(currency="xof")
    only_kuwait.steady("2026-01", 6, currency="xof")
    assert any(
        "is not known" in note and "5,000 usd" in note for note in score(measured(only_kuwait, "2026-07-01")).notes
    )


def test_dollars_say_by_which_rate_when_the_newest_is_old() -> None:
    book = BookOf(currency="gbp")
    book.steady("2025-01", 8, currency="gbp")
    assert measured(book, "2025-07-01").figure("average_net_usd").note == (
        "by the exchange rate of 2025-06-15, the newest at hand"
    )
    dollars = BookOf()
    dollars.steady("2025-01", 8)
    assert measured(dollars, "2025-07-01").figure("average_net_usd").note is None


@pytest.mark.parametrize(("ordered", "rounded", "mrr"), [(25, "up", 3_000), (25, "down", 2_000), (20, "up", 2_000)])
def test_price_for_packages_is_charged_by_the_package(ordered: int, rounded: str, mrr: int) -> None:
    price = {**MONTHLY, "transform_quantity": {"divide_by": 10, "round": rounded}}
    items = {"data": [{"id": "si_1", "quantity": ordered, "price": price}]}
    snapshot = told(event("1", "customer.subscription.created", 0, {**subscription("active"), "items": items}))
    assert snapshot.value("mrr") == mrr


def test_payout_that_came_back_is_advised_at_once_not_when_its_month_is_complete() -> None:
    book = BookOf()
    book.steady("2026-01", 6)
    book.payout("2026-07-01", paid="2026-07-03", failed="2026-07-06")
    before, after = (list(advices(measured(book, day))) for day in ("2026-07-05", "2026-07-07"))
    assert "mend_bank_account" not in [one.rule for one in before]
    (mend,) = [one for one in after if one.rule == "mend_bank_account"]
    assert mend.trigger.startswith("1 payout of six months failed")
    assert mend.event_ids
