"""Subscriptions that are left out of a figure, or valued without their discount: every figure and the score say so."""

from __future__ import annotations

from typing import Any

import pytest

from processors.scoring.score import score
from schemas.metrics import MetricsComputed
from tests.ledger.stories import charge
from tests.ledger.webhooks import at, event
from tests.metrics.ledgers import measured
from tests.metrics.stripe_books import books_from

TIERED = "without 2 subscriptions whose price is tiered or not told"


def subscription(number: str, **more: Any) -> dict[str, Any]:
    price = {
        "id": "price_1",
        "currency": "usd",
        "unit_amount_decimal": "2000",
        "recurring": {"interval": "month", "interval_count": 1},
        **more.pop("price", {}),
    }
    item = {"id": f"si_{number}", "quantity": 1, "price": price, **more.pop("item", {})}
    return {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "status": "active",
        "created": at(1),
        "start_date": at(1),
        "items": {"data": [item]},
        **more,
    }


def told(*subscriptions: dict[str, Any], ended: tuple[dict[str, Any], ...] = ()) -> MetricsComputed:
    """Four months, each with a subscriber's charge; some subscriptions end on the last day but one."""
    story = [event(f"s{number}", "customer.subscription.created", 1, one) for number, one in enumerate(subscriptions)]
    for number, one in enumerate(ended):
        gone = {**one, "status": "canceled", "ended_at": at(110)}
        story.append(event(f"e{number}", "customer.subscription.deleted", 110, gone, previous={"status": "active"}))
    for number in range(4):
        sold = charge(str(number), 2 + 30 * number, 900_000, "usd", invoice=f"in_{number}", customer="cus_plain")
        story.append(event(f"c{number}", "charge.succeeded", 2 + 30 * number, sold))
    return measured(books_from(story), "2026-05-01")


TIERS = {"price": {"billing_scheme": "tiered", "unit_amount_decimal": None}}
PLAIN = subscription("plain")
FIGURES = ("customers", "mrr", "mrr_churned", "logo_churn", "logo_churn_t3m", "gross_mrr_churn_t3m", "net_mrr_churn")


def test_churn_and_score_say_what_they_leave_out_when_prices_are_tiered() -> None:
    gone = subscription("a", **TIERS)
    found = told(PLAIN, gone, subscription("b", **TIERS), ended=(gone,))
    assert {name: found.figure(name).note for name in FIGURES} == {
        **dict.fromkeys(FIGURES, TIERED),
        "mrr": "without 1 subscription whose price is tiered or not told",
    }
    scored = score(found)
    assert f"gross_churn, logo_churn: {TIERED}." in scored.notes
    assert found.value("logo_churn_t3m") == 0


def test_confidence_is_low_when_whoever_left_is_left_out() -> None:
    kept = told(PLAIN, PLAIN | {"id": "sub_2", "customer": "cus_2"})
    plain = kept.model_copy(update={"figures": tuple(_sure(one) for one in kept.figures)})
    assert score(plain).confidence == "normal"
    partly = [one.model_copy(update={"note": TIERED}) if one.name == "nrr" else one for one in plain.figures]
    assert score(plain.model_copy(update={"figures": tuple(partly)})).confidence == "low"


def _sure(figure: Any) -> Any:
    """Every figure known and resting on many charges: nothing else lowers confidence."""
    value = {"charges_t3m": 1_000, "charges": 1_000}.get(figure.name, figure.value)
    return figure.model_copy(update={"value": 1 if value is None else value, "unknown": None})


def test_retention_is_unknown_and_says_why_when_every_price_is_tiered() -> None:
    found = told(subscription("a", **TIERS), subscription("b", **TIERS))
    reason = f"there were no customers with a subscription at the start; {TIERED}"
    assert found.figure("logo_churn_t3m").unknown == reason


@pytest.mark.parametrize("where", ["subscription", "item"])
def test_full_price_is_remarked_on_when_a_discount_is_named_by_an_id_nobody_told_of(where: str) -> None:
    named = {"discounts": ["di_1"]}
    found = told(PLAIN, subscription("a", **(named if where == "subscription" else {"item": named})))
    said = "with 1 subscription at full price, for the terms of a discount are not told"
    assert (found.value("mrr"), found.figure("mrr").note) == (4_000, said)
    assert any(note.endswith(f": {said}.") for note in score(found).notes)


def test_nothing_is_remarked_on_when_the_discount_was_told_of() -> None:
    coupon = {"id": "HALF", "object": "coupon", "duration": "forever", "percent_off": 50}
    given = {"id": "di_1", "object": "discount", "customer": "cus_a", "subscription": "sub_a", "start": at(1)}
    story = [
        event("1", "charge.succeeded", 1, charge("1", 1, 900_000, "usd")),
        event("2", "customer.subscription.created", 1, subscription("a", discounts=["di_1"])),
        event("3", "customer.discount.created", 1, {**given, "coupon": coupon}),
    ]
    found = measured(books_from(story), "2026-05-01")
    assert (found.value("mrr"), found.figure("mrr").note) == (1_000, None)
