"""From webhooks to facts: other people's payloads, old shapes, broken ones."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.ledger.kinds import KIND_OF_OBJECT
from processors.ledger.observe import facts_of
from schemas.errors import UnreadablePayload
from schemas.ledger.billing import Subscription
from schemas.ledger.facts import OBSERVATIONS
from schemas.ledger.observation import EventUnhandled, Observation
from tests.ledger.webhooks import START, at, event, observed, webhook

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "stripe" / "events"
FILES = sorted(SAMPLES.rglob("*.json"))


def is_event(payload: Any) -> bool:
    return isinstance(payload, dict) and "type" in payload and isinstance(payload.get("data"), dict)


@pytest.mark.skipif(not FILES, reason=f"no sample events at {SAMPLES}")
def test_sample_becomes_facts_or_a_named_unhandled_type_when_it_is_an_event() -> None:
    seen = 0
    for path in FILES:
        payload = json.loads(path.read_bytes())
        if not is_event(payload):
            continue
        seen += 1
        facts = observed({**payload, "created": payload.get("created") or at(0)})
        assert facts, path.name
        assert all(isinstance(fact, Observation | EventUnhandled) for fact in facts)
        for fact in facts:
            if isinstance(fact, EventUnhandled):
                assert fact.stripe_type == payload["type"]
                assert fact.reason
    assert seen > 100


@pytest.mark.skipif(not FILES, reason=f"no sample events at {SAMPLES}")
def test_contradiction_is_recorded_and_the_state_holds_when_type_and_object_disagree() -> None:
    (closed,) = observed(json.loads((SAMPLES / "supabase" / "charge_dispute_closed.json").read_bytes()))
    (failed,) = observed(json.loads((SAMPLES / "supabase" / "refund_failed.json").read_bytes()))
    assert closed.state.status == "warning_needs_response"
    assert "charge.dispute.closed" in closed.contradictions[0]
    assert failed.state.status == "succeeded"
    assert "refund.failed" in failed.contradictions[0]


CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1000,
    "currency": "usd",
    "status": "succeeded",
    "captured": True,
    "created": at(0),
}


@pytest.mark.parametrize(
    ("stated", "currency", "minor"),
    [
        (1000, "usd", 1000),
        ("1000", "usd", 1000),
        ("10.00", "usd", 1000),
        ("10.5", "kwd", 10500),
        ("1000", "jpy", 1000),
        ("1000.0", "jpy", 1000),
        ("10.00", "isk", 1000),
        (1000.0, "eur", 1000),
    ],
)
def test_amount_is_minor_units_when_it_is_written_as(stated: Any, currency: str, minor: int) -> None:
    (fact,) = observed(event("1", "charge.succeeded", 0, {**CHARGE, "amount": stated, "currency": currency.upper()}))
    assert (fact.state.amount, fact.state.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "no id"),
        ({"amount": None}, "charge ch_1: amount is missing"),
        ({"currency": None}, "charge ch_1: currency is missing"),
        ({"currency": "dollars!"}, "currency"),
        ({"amount": "ten"}, "amount is 'ten', no amount"),
        ({"amount": "1e3"}, "amount is '1e3', no amount"),
        ({"amount": -500}, "amount is -500, less than nothing"),
        ({"amount": "10.005"}, "no amount of usd"),
        ({"amount": 10**30}, "no amount"),
        ({"amount": True}, "no amount"),
        ({"amount": {"a": 1}}, "no amount"),
        ({"status": "levitating"}, "levitating"),
    ],
)
def test_payload_is_refused_with_a_reason_when_it_cannot_be_a_fact(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UnreadablePayload, match=words):
        observed(event("1", "charge.succeeded", 0, {**CHARGE, **change}))


def test_event_is_refused_when_nobody_can_tell_whose_it_is() -> None:
    with pytest.raises(UnreadablePayload, match="account is no id"):
        observed(event("1", "charge.succeeded", 0, CHARGE, account=7))


@pytest.mark.parametrize("created", [0, at(400)])
def test_event_is_refused_when_its_time_cannot_be(created: int) -> None:
    payload = {**event("1", "charge.succeeded", 0, CHARGE), "created": created}
    with pytest.raises(UnreadablePayload, match="the event's time cannot be"):
        facts_of(webhook(payload, received=START))


@pytest.mark.parametrize("created", [0, at(400)])
def test_time_of_the_event_stands_for_the_object_s_when_that_cannot_be(created: int) -> None:
    (fact,) = observed(event("1", "charge.succeeded", 3, {**CHARGE, "created": created}))
    assert fact.state.at == START + timedelta(days=3)
    assert "cannot be" in fact.contradictions[0]


def test_event_is_taken_when_a_test_clock_is_ahead_of_ours() -> None:
    ahead = webhook({**event("1", "charge.succeeded", 0, CHARGE), "created": at(4000)}, received=START)
    assert len(facts_of(ahead.model_copy(update={"livemode": False}))) == 1


def test_facts_come_whole_when_every_optional_field_is_missing_or_null() -> None:
    (bare,) = observed(
        event("1", "charge.succeeded", 0, {"id": "ch_1", "object": "charge", "amount": 5, "currency": "usd"})
    )
    nulls = dict.fromkeys(("customer", "invoice", "refunds", "source", "payment_method_details", "created", "paid"))
    (nulled,) = observed(
        event("1", "charge.succeeded", 0, {"id": "ch_1", "object": "charge", "amount": 5, "currency": "usd", **nulls})
    )
    assert bare.state == nulled.state
    assert bare.state.status == "pending"


def test_carried_objects_become_facts_when_they_are_expanded() -> None:
    payload = {
        **CHARGE,
        "customer": {"id": "cus_1", "object": "customer", "deleted": True},
        "balance_transaction": {
            "id": "txn_1",
            "object": "balance_transaction",
            "amount": 1000,
            "fee": 59,
            "net": 941,
            "currency": "usd",
            "type": "charge",
            "source": "ch_1",
            "created": at(0),
        },
        "refunds": {"object": "list", "data": [{"id": "re_1", "object": "refund", "amount": 5, "currency": "usd"}]},
    }
    facts = observed(event("1", "charge.refunded", 0, payload))
    kinds = {(fact.KIND, fact.object_id, fact.deleted) for fact in facts if isinstance(fact, Observation)}
    assert kinds == {
        ("charge", "ch_1", False),
        ("balance_transaction", "txn_1", False),
        ("refund", "re_1", False),
        ("customer", "cus_1", True),
    }
    assert facts[0].state.customer == "cus_1"
    assert facts[0].state.balance_transaction == "txn_1"


def test_the_rest_stands_when_a_carried_object_cannot_be_read() -> None:
    refunds = [{"id": "re_1", "object": "refund", "amount": "?", "currency": "usd"}, None, "re_2"]
    (fact,) = observed(event("1", "charge.refunded", 0, {**CHARGE, "amount_refunded": 5, "refunds": refunds}))
    assert "re_1" in fact.contradictions[0]


def test_previous_holds_the_canonical_fields_that_changed() -> None:
    before = {"amount_refunded": 0, "refunded": False, "receipt_url": None, "metadata": {"a": None}}
    raw = {**CHARGE, "amount_refunded": 1000, "refunded": True}
    (fact,) = observed(event("1", "charge.refunded", 1, raw, previous=before))
    assert fact.previous == {"amount_refunded": 0, "refunded": False}


# The same annual subscription with 20 % off for ever, as three generations of the API write it.
PLAN = {
    "id": "price_1",
    "object": "plan",
    "amount": 120000,
    "amount_decimal": "120000",
    "currency": "eur",
    "interval": "year",
    "interval_count": 1,
    "product": "prod_1",
    "usage_type": "licensed",
    "billing_scheme": "per_unit",
}
PRICE = {
    "id": "price_1",
    "object": "price",
    "unit_amount": 120000,
    "unit_amount_decimal": "120000",
    "currency": "eur",
    "product": "prod_1",
    "billing_scheme": "per_unit",
    "type": "recurring",
    "recurring": {"interval": "year", "interval_count": 1, "usage_type": "licensed"},
}
COUPON = {"id": "LOYAL20", "object": "coupon", "percent_off": 20.0, "duration": "forever", "valid": True}
HEAD = {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": at(0)}
DATES = {"start_date": at(0), "collection_method": "charge_automatically", "cancel_at_period_end": False}
PERIOD = {"current_period_start": at(0), "current_period_end": at(365)}
SHAPES = {
    "2016-03-07": {
        **HEAD,
        **PERIOD,
        "start": at(0),
        "billing": "charge_automatically",
        "plan": {key: PLAN[key] for key in PLAN if key not in ("amount_decimal", "usage_type")},
        "quantity": 3,
        "items": {"object": "list", "data": [{"id": "si_1", "plan": PLAN, "quantity": 3}]},
        "discount": {"id": "di_1", "object": "discount", "coupon": COUPON, "start": at(0), "end": None},
    },
    "2020-08-27": {
        **HEAD,
        **DATES,
        **PERIOD,
        "items": {"object": "list", "data": [{"id": "si_1", "plan": PLAN, "price": PRICE, "quantity": 3}]},
        "discount": {"id": "di_1", "object": "discount", "coupon": COUPON, "start": at(0), "end": None},
    },
    "2025-03-31.basil": {
        **HEAD,
        **DATES,
        "currency": "eur",
        "items": {"object": "list", "data": [{"id": "si_1", "price": PRICE, "quantity": 3, **PERIOD, "discounts": []}]},
        "discounts": [{"id": "di_1", "object": "discount", "coupon": COUPON, "start": at(0), "end": None}],
    },
    "2026-02-25.clover": {
        **HEAD,
        **DATES,
        "currency": "eur",
        "billing_mode": {"type": "flexible"},
        "items": {"object": "list", "data": [{"id": "si_1", "price": PRICE, "quantity": 3, **PERIOD, "discounts": []}]},
        "discounts": [
            {"id": "di_1", "object": "discount", "source": {"type": "coupon", "coupon": COUPON}, "start": at(0)}
        ],
    },
}


def subscription(version: str) -> Subscription:
    payload = event("1", "customer.subscription.updated", 0, SHAPES[version], api_version=version)
    found = next(fact for fact in observed(payload) if isinstance(fact, Observation) and fact.KIND == "subscription")
    assert found.api_version == version
    return found.state


@pytest.mark.parametrize("version", [version for version in SHAPES if version != "2020-08-27"])
def test_subscription_is_one_canonical_state_when_versions_write_it_differently(version: str) -> None:
    assert subscription(version) == subscription("2020-08-27")


def test_subscription_says_what_revenue_is_made_of() -> None:
    state = subscription("2026-02-25.clover")
    (item,) = state.items
    assert (str(item.unit_amount), item.quantity, item.interval, item.currency) == ("120000", 3, "year", "eur")
    (discount,) = state.discounts
    assert (str(discount.percent_off), discount.duration, discount.coupon) == ("20", "forever", "LOYAL20")


def test_subscription_of_one_plan_has_an_item_when_it_is_older_than_items() -> None:
    raw = {**HEAD, **PERIOD, "plan": PLAN, "quantity": 2}
    (fact,) = observed(event("1", "customer.subscription.updated", 0, raw))
    (item,) = fact.state.items
    assert (str(item.unit_amount), item.quantity, item.interval) == ("120000", 2, "year")


def test_transfer_is_a_payout_when_it_is_older_than_payouts() -> None:
    raw = {
        "id": "tr_1",
        "object": "transfer",
        "amount": 900,
        "currency": "usd",
        "date": at(2),
        "status": "paid",
        "type": "bank_account",
        "destination": "ba_1",
    }
    (fact,) = observed(event("1", "transfer.paid", 2, raw))
    assert isinstance(fact, Observation)
    assert (fact.KIND, fact.state.arrival_date) == ("payout", fact.created)
    assert fact.contradictions == ()


def test_object_decides_when_the_type_is_about_another_kind() -> None:
    (fact,) = observed(event("1", "payout.paid", 0, {"id": "acct_1", "object": "account"}))
    assert isinstance(fact, Observation)
    assert (fact.KIND, fact.contradictions) == ("account", ("payout.paid came with an object of kind account",))


@pytest.mark.parametrize(
    ("stripe_type", "raw", "known_by"),
    [
        ("charge.dispute.closed", {"object": "dispute", "charge": "ch_1", "amount": 5, "currency": "usd"}, "ch_1"),
        ("customer.discount.created", {"object": "discount", "customer": "cus_1", "coupon": COUPON}, "cus_1"),
        ("customer.discount.created", {"object": "discount", "customer": "cus_1", "subscription": "sub_1"}, "sub_1"),
    ],
)
def test_object_is_known_by_its_owner_when_it_is_older_than_its_id(
    stripe_type: str, raw: dict[str, Any], known_by: str
) -> None:
    (fact,) = observed(event("1", stripe_type, 0, raw))
    assert fact.object_id.endswith(f" of {known_by}")


def test_thin_event_is_unhandled_by_name_and_cut_event_is_refused() -> None:
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v2.core.account.updated", "created": at(0)}
    (fact,) = observed(thin)
    assert isinstance(fact, EventUnhandled)
    assert "thin" in fact.reason
    with pytest.raises(UnreadablePayload, match="carries no object"):
        observed({"id": "evt_1", "type": "charge.succeeded", "created": at(0)})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_TYPES = (
    "charge.refunded",
    "refund.failed",
    "charge.dispute.closed",
    "payout.paid",
    "invoice.paid",
    "invoice_payment.paid",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.discount.created",
    "customer.updated",
    "account.updated",
    "balance.available",
    "application_fee.created",
    "credit_note.created",
    "transfer.created",
    "product.updated",
)
_FIELDS = sorted(
    {name for fact in OBSERVATIONS for name in fact.model_fields["state"].annotation.model_fields}
    | {"id", "object", "created", "plan", "source", "refunds", "items", "data", "date", "destination", "parent"}
)


@given(
    stripe_type=st.sampled_from(_TYPES),
    raw=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=14),
    real=st.booleans(),
    named=st.none() | st.sampled_from(sorted(KIND_OF_OBJECT)),
    previous=st.none() | st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=3),
)
@settings(max_examples=400, deadline=None)
def test_payload_becomes_facts_or_a_reason_whatever_it_holds(
    stripe_type: str, raw: dict[str, Any], real: bool, named: str | None, previous: Any
) -> None:
    """Nothing but UnreadablePayload comes out, and what is a fact can be written and read again."""
    whole = {**CHARGE, **raw} if real else raw
    payload = event("1", stripe_type, 0, whole if named is None else {**whole, "object": named}, previous=previous)
    with suppress(UnreadablePayload):
        for fact in observed(payload):
            assert type(fact).model_validate_json(fact.model_dump_json()) == fact
