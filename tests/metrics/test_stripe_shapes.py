"""One subscription in the shapes of three API versions is worth the same; late events change as-of, never known-at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.ledger.stories import charge, payout
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from

COUPON = {"id": "TENOFF", "object": "coupon", "duration": "forever", "percent_off": 10}
PLAN = {"id": "yearly", "object": "plan", "amount": 120_000, "currency": "usd", "interval": "year", "interval_count": 1,
        "usage_type": "licensed"}  # fmt: skip
PRICE = {
    "id": "yearly", "object": "price", "currency": "usd", "unit_amount": 120_000, "unit_amount_decimal": "120000",
    "recurring": {"interval": "year", "interval_count": 1, "usage_type": "licensed"},
}  # fmt: skip
BASE = {
    "id": "sub_1",
    "object": "subscription",
    "customer": "cus_1",
    "status": "active",
    "created": at(0),
    "start_date": at(0),
}
PERIOD = {"current_period_start": at(0), "current_period_end": at(365)}


def discount(**shape: Any) -> dict[str, Any]:
    return {"id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1", "start": at(0), **shape}


def item(**shape: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": "si_1", "object": "subscription_item", "quantity": 2, **shape}]}


SHAPES = {
    "2020-08-27": {**BASE, **PERIOD, "items": item(plan=PLAN, price=PRICE), "discount": discount(coupon=COUPON)},
    "2016-03-07": {**BASE, **PERIOD, "plan": PLAN, "quantity": 2, "discount": discount(coupon=COUPON)},
    "2025-03-31.basil": {**BASE, "items": item(price=PRICE, **PERIOD), "discounts": [discount(coupon=COUPON)]},
    "2025-09-30.clover": {
        **BASE, "items": item(price=PRICE, **PERIOD),
        "discounts": [discount(source={"type": "coupon", "coupon": COUPON})],
    },
}  # fmt: skip


@pytest.mark.parametrize("version", sorted(SHAPES))
def test_annual_discounted_subscription_has_one_worth_whatever_version_wrote_it(version: str) -> None:
    told = [
        event("1", "customer.subscription.created", 0, SHAPES[version], api_version=version),
        event("2", "charge.succeeded", 0, charge("1", 0, 216_000, "usd")),
    ]
    # 2 × 1,200.00 less 10 %, ÷ 12.
    assert measured(books_from(told), "2026-03-01").value("mrr") == 18_000


def test_payout_that_failed_late_changes_what_is_true_of_then_but_not_what_was_known_then() -> None:
    paid = payout("1", 3, 10_000, "usd", "paid")
    before = [
        event("1", "charge.succeeded", 0, charge("1", 0, 10_000, "usd")),
        event("2", "payout.created", 3, {**paid, "status": "in_transit"}),
        event("3", "payout.paid", 5, paid),
    ]
    late = [*before, event("4", "payout.failed", 40, {**paid, "status": "failed"})]
    assert measured(books_from(before), "2026-02-05").value("payout_reliability") == 1
    assert measured(books_from(late), "2026-02-05").value("payout_reliability") == 0


def test_coupon_that_ends_leaves_the_price_alone() -> None:
    shape = {**SHAPES["2025-03-31.basil"], "discounts": [discount(coupon={**COUPON, "duration": "once"})]}
    told = [
        event("1", "customer.subscription.created", 0, shape, api_version="2025-03-31.basil"),
        event("2", "charge.succeeded", 0, charge("1", 0, 216_000, "usd")),
    ]
    assert measured(books_from(told), "2026-03-01").value("mrr") == 20_000


@pytest.mark.parametrize(
    ("change", "mrr", "cmrr"),
    [
        ({"status": "past_due"}, 18_000, 18_000),
        ({"cancel_at_period_end": True}, 18_000, 0),
        ({"status": "trialing"}, 0, 0),
        ({"status": "unpaid"}, 0, 0),
        ({"pause_collection": {"behavior": "void"}}, 0, 0),
    ],
)
def test_status_decides_what_counts(change: dict[str, Any], mrr: int, cmrr: int) -> None:
    basil = "2025-03-31.basil"
    told = [
        event("1", "customer.subscription.created", 0, {**SHAPES[basil], **change}, api_version=basil),
        event("2", "charge.succeeded", 0, charge("1", 0, 216_000, "usd")),
    ]
    snapshot = measured(books_from(told), "2026-03-01")
    assert (snapshot.value("mrr_now"), snapshot.value("cmrr")) == (Decimal(mrr), Decimal(cmrr))
