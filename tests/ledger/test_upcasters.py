"""One object before and after each break between API versions: one canonical state."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.ledger.observation import Observation
from tests.ledger.webhooks import at, event, observed

CARD = {"brand": "visa", "country": "US", "fingerprint": "fp_1"}
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 900,
    "amount_captured": 900,
    "captured": True,
    "currency": "usd",
    "status": "succeeded",
    "created": at(0),
}
WITH_CARD = {**CHARGE, "payment_method_details": {"type": "card", "card": CARD}}
OLD_CARD = {"id": "card_1", "object": "card", **CARD, "brand": "Visa"}
INVOICE = {"id": "in_1", "object": "invoice", "currency": "usd", "amount_due": 900, "customer": "cus_1"}
DISPUTE = {"id": "dp_1", "object": "dispute", "amount": 900, "currency": "usd", "charge": "ch_1", "created": at(0)}
ITEM = {"id": "si_1", "price": {"id": "price_1", "currency": "usd"}}
SUBSCRIPTION = {"id": "sub_1", "object": "subscription", "status": "active", "customer": "cus_1", "created": at(0)}
ACCOUNT = {"id": "acct_1", "object": "account", "country": "US"}

BREAKS = {
    "periods moved to the items": (
        "customer.subscription.updated",
        {**SUBSCRIPTION, "current_period_start": at(0), "current_period_end": at(30), "items": {"data": [ITEM]}},
        {
            **SUBSCRIPTION,
            "items": {"data": [{**ITEM, "current_period_start": at(0), "current_period_end": at(30)}]},
        },
    ),
    "a refund that was cancelled was canceled": (
        "refund.updated",
        {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "created": at(0), "status": "cancelled"},
        {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "created": at(0), "status": "canceled"},
    ),
    "card became source, paid became succeeded": (
        "charge.updated",
        {**CHARGE, "status": "paid", "card": OLD_CARD},
        WITH_CARD,
    ),
    "source became payment method details": ("charge.updated", {**CHARGE, "source": OLD_CARD}, WITH_CARD),
    "a card source became payment method details": (
        "charge.updated",
        {**CHARGE, "source": {"id": "src_1", "object": "source", "type": "card", "card": {**CARD, "brand": "Visa"}}},
        WITH_CARD,
    ),
    "brands became lower case": (
        "charge.updated",
        {**CHARGE, "source": {**OLD_CARD, "brand": "American Express"}},
        {**CHARGE, "payment_method_details": {"type": "card", "card": {**CARD, "brand": "amex", "network": "amex"}}},
    ),
    "destination became transfer data": (
        "charge.updated",
        {**CHARGE, "destination": "acct_2"},
        {**CHARGE, "transfer_data": {"destination": "acct_2"}},
    ),
    "the captured amount is stated": (
        "charge.updated",
        {key: value for key, value in CHARGE.items() if key != "amount_captured"},
        CHARGE,
    ),
    "a captured amount says that it was captured": (
        "charge.updated",
        {key: value for key, value in CHARGE.items() if key != "captured"},
        CHARGE,
    ),
    "nothing was captured of an authorisation": (
        "charge.updated",
        {**{key: value for key, value in CHARGE.items() if key != "amount_captured"}, "captured": False},
        {**CHARGE, "amount_captured": 0, "captured": False},
    ),
    "refunds have a status": (
        "charge.refund.updated",
        {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "charge": "ch_1"},
        {"id": "re_1", "object": "refund", "amount": 5, "currency": "usd", "charge": "ch_1", "status": "succeeded"},
    ),
    "evidence has details, transactions are a list": (
        "charge.dispute.updated",
        {**DISPUTE, "status": "lost", "evidence_due_by": at(9), "balance_transaction": "txn_1"},
        {**DISPUTE, "status": "lost", "evidence_details": {"due_by": at(9)}, "balance_transactions": ["txn_1"]},
    ),
    "paid became a status": (
        "invoice.updated",
        {**INVOICE, "date": at(0), "paid": True, "closed": True, "forgiven": False},
        {**INVOICE, "created": at(0), "status": "paid", "amount_paid": 900},
    ),
    "forgiven became uncollectible": (
        "invoice.updated",
        {**INVOICE, "date": at(0), "paid": False, "closed": True, "forgiven": True},
        {**INVOICE, "created": at(0), "status": "uncollectible"},
    ),
    "an invoice's links moved": (
        "invoice.updated",
        {**INVOICE, "created": at(0), "status": "open", "subscription": "sub_1", "charge": "ch_1"},
        {
            **INVOICE,
            "created": at(0),
            "status": "open",
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
            "payments": {"data": [{"payment": {"type": "charge", "charge": "ch_1"}}]},
        },
    ),
    "account balance became balance": (
        "customer.updated",
        {"id": "cus_1", "object": "customer", "account_balance": -50, "currency": "usd"},
        {"id": "cus_1", "object": "customer", "balance": -50, "currency": "usd"},
    ),
    "verification became requirements, transfers became payouts": (
        "account.updated",
        {
            **ACCOUNT,
            "transfers_enabled": False,
            "business_name": "Vault Coffee",
            "verification": {
                "fields_needed": ["external_account"],
                "disabled_reason": "fields_needed",
                "due_by": at(9),
            },
        },
        {
            **ACCOUNT,
            "payouts_enabled": False,
            "business_profile": {"name": "Vault Coffee"},
            "requirements": {
                "currently_due": ["external_account"],
                "disabled_reason": "fields_needed",
                "current_deadline": at(9),
            },
        },
    ),
    "a discount's coupon moved to its source": (
        "customer.discount.updated",
        {"id": "di_1", "object": "discount", "customer": "cus_1", "coupon": {"id": "C", "percent_off": 12.5}},
        {
            "id": "di_1",
            "object": "discount",
            "customer": "cus_1",
            "source": {"type": "coupon", "coupon": {"id": "C", "percent_off": 12.5}},
        },
    ),
}


@pytest.mark.parametrize("change", BREAKS)
def test_state_is_the_same_before_and_after_a_break_when(change: str) -> None:
    stripe_type, old, new = BREAKS[change]
    assert state(stripe_type, old) == state(stripe_type, new)


def state(stripe_type: str, raw: dict[str, Any]) -> object:
    fact = observed(event("1", stripe_type, 0, raw))[0]
    assert isinstance(fact, Observation)
    assert fact.contradictions == ()
    return fact.state
