"""Stripe's objects in the shape of a current API version, as webhooks carry them: made up, no wider than needed."""

from __future__ import annotations

from typing import Any

API_VERSION = "2026-10-28.endive"

Raw = dict[str, Any]


def account(id: str, name: str, currency: str, created: int, *, payouts_enabled: bool) -> Raw:
    return {
        "id": id,
        "object": "account",
        "business_profile": {"name": name, "mcc": "5499"},
        "country": "US",
        "created": created,
        "default_currency": currency,
        "charges_enabled": True,
        "payouts_enabled": payouts_enabled,
        "details_submitted": True,
        "requirements": {"currently_due": [], "past_due": [], "disabled_reason": None, "current_deadline": None},
        "type": "standard",
    }


def customer(id: str, created: int, country: str) -> Raw:
    return {
        "id": id,
        "object": "customer",
        "address": {"country": country},
        "balance": 0,
        "created": created,
        "delinquent": False,
        "livemode": True,
    }


def charge(
    id: str,
    amount: int,
    currency: str,
    created: int,
    *,
    customer: str | None,
    brand: str,
    fingerprint: str,
    failed: bool = False,
) -> Raw:
    return {
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if failed else amount,
        "amount_refunded": 0,
        "balance_transaction": None if failed else f"txn_{id[3:]}",
        "captured": not failed,
        "created": created,
        "currency": currency,
        "customer": customer,
        "disputed": False,
        "failure_code": "card_declined" if failed else None,
        "livemode": True,
        "paid": not failed,
        "payment_intent": f"pi_{id[3:]}",
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": brand,
                "country": "US",
                "fingerprint": fingerprint,
                "funding": "credit",
                "network": brand,
                "three_d_secure": None,
            },
        },
        "refunded": False,
        "status": "failed" if failed else "succeeded",
    }


def refund(id: str, charge: Raw, amount: int, created: int, status: str) -> Raw:
    return {
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{id[3:]}",
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "payment_intent": charge["payment_intent"],
        "reason": "requested_by_customer",
        "status": status,
        "failure_reason": "expired_or_canceled_card" if status == "failed" else None,
        "failure_balance_transaction": f"txn_{id[3:]}_back" if status == "failed" else None,
    }


def balance_transaction(id: str, amount: int, fee: int, currency: str, created: int, type: str, source: str) -> Raw:
    return {
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 172_800,
        "created": created,
        "currency": currency,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{"amount": fee, "currency": currency, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": source,
        "status": "available",
        "type": type,
    }


def dispute(
    id: str, charge: Raw, created: int, status: str, due_by: int, movements: list[Raw], *, submitted: bool
) -> Raw:
    return {
        "id": id,
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": movements,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "evidence_details": {
            "due_by": due_by,
            "has_evidence": submitted,
            "past_due": False,
            "submission_count": int(submitted),
        },
        "is_charge_refundable": status.startswith("warning"),
        "livemode": True,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {"brand": charge["payment_method_details"]["card"]["brand"], "network_reason_code": "10.4"},
        },
        "reason": "fraudulent",
        "status": status,
    }


def early_fraud_warning(id: str, charge: Raw, created: int, *, actionable: bool) -> Raw:
    return {
        "id": id,
        "object": "radar.early_fraud_warning",
        "actionable": actionable,
        "charge": charge["id"],
        "created": created,
        "fraud_type": "unauthorized_use_of_card",
        "livemode": True,
        "payment_intent": charge["payment_intent"],
    }


def payout(id: str, amount: int, currency: str, created: int, arrival: int, status: str) -> Raw:
    return {
        "id": id,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": True,
        "balance_transaction": f"txn_{id[3:]}",
        "created": created,
        "currency": currency,
        "destination": "ba_harbour",
        "failure_balance_transaction": f"txn_{id[3:]}_back" if status == "failed" else None,
        "failure_code": "account_closed" if status == "failed" else None,
        "livemode": True,
        "method": "standard",
        "status": status,
    }


def balance(available: int, pending: int, currency: str) -> Raw:
    return {
        "object": "balance",
        "available": [{"amount": available, "currency": currency}],
        "pending": [{"amount": pending, "currency": currency}],
        "livemode": True,
    }


def subscription(
    id: str,
    customer: str,
    created: int,
    *,
    status: str,
    currency: str,
    unit_amount: int,
    quantity: int,
    interval: str,
    period: tuple[int, int],
    percent_off: int | None = None,
    ends_with_period: bool = False,
    ended_at: int | None = None,
) -> Raw:
    discounts = [] if percent_off is None else [_discount(id, customer, created, percent_off)]
    return {
        "id": id,
        "object": "subscription",
        "cancel_at": period[1] if ends_with_period else None,
        "cancel_at_period_end": ends_with_period,
        "canceled_at": ended_at,
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "customer": customer,
        "discounts": discounts,
        "ended_at": ended_at,
        "items": {
            "object": "list",
            "has_more": False,
            "data": [
                {
                    "id": f"si_{id[4:]}",
                    "object": "subscription_item",
                    "created": created,
                    "current_period_start": period[0],
                    "current_period_end": period[1],
                    "discounts": [],
                    "price": {
                        "id": f"price_{interval}_{unit_amount}_{currency}",
                        "object": "price",
                        "billing_scheme": "per_unit",
                        "currency": currency,
                        "product": "prod_beans",
                        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
                        "type": "recurring",
                        "unit_amount": unit_amount,
                        "unit_amount_decimal": str(unit_amount),
                    },
                    "quantity": quantity,
                    "subscription": id,
                }
            ],
        },
        "livemode": True,
        "pause_collection": None,
        "start_date": created,
        "status": status,
        "trial_end": None,
        "trial_start": None,
    }


def _discount(id: str, customer: str, created: int, percent_off: int) -> Raw:
    coupon = {
        "id": f"FRIENDS{percent_off}",
        "object": "coupon",
        "duration": "forever",
        "percent_off": percent_off,
        "amount_off": None,
    }
    return {
        "id": f"di_{id[4:]}",
        "object": "discount",
        "customer": customer,
        "end": None,
        "source": {"type": "coupon", "coupon": coupon},
        "start": created,
        "subscription": id,
    }


def invoice(
    id: str,
    customer: str,
    subscription: str,
    amount: int,
    currency: str,
    created: int,
    *,
    paid_at: int | None,
    tries: int,
) -> Raw:
    return {
        "id": id,
        "object": "invoice",
        "amount_due": amount,
        "amount_paid": amount if paid_at is not None else 0,
        "amount_remaining": 0 if paid_at is not None else amount,
        "attempt_count": tries,
        "attempted": tries > 0,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "customer": customer,
        "livemode": True,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription}},
        "status": "paid" if paid_at is not None else "open",
        "status_transitions": {
            "finalized_at": created,
            "paid_at": paid_at,
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
        "subtotal": amount,
        "total": amount,
    }


def invoice_payment(id: str, invoice: Raw, charge: Raw, created: int) -> Raw:
    return {
        "id": id,
        "object": "invoice_payment",
        "amount_paid": invoice["amount_due"],
        "amount_requested": invoice["amount_due"],
        "created": created,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": True,
        "payment": {"type": "payment_intent", "payment_intent": charge["payment_intent"]},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": created},
    }
