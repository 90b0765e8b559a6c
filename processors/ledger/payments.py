"""Charges, refunds, disputes, early fraud warnings and application fees: newest shape → canonical state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from processors.ledger.reading import (
    Raw,
    amount,
    currency_of,
    flag,
    instant,
    listed,
    number,
    objects,
    optional_amount,
    part,
    ref,
    text,
    unsigned_amount,
)
from processors.ledger.upcasters import brand
from schemas.ledger.payments import (
    ApplicationFee,
    ApplicationFeeRefund,
    Charge,
    Dispute,
    DisputeMovement,
    EarlyFraudWarning,
    Refund,
)

_PRESENT = ("card_present", "interac_present")


def charge(raw: Raw, seen: datetime) -> Charge:
    currency = currency_of(raw)
    method = part(raw.get("payment_method_details"))
    kind = text(method.get("type"))
    card = part(method.get(kind or ""))
    movement = part(raw.get("balance_transaction"))
    passed_on = part(raw.get("transfer_data"))
    captured = bool(raw.get("captured"))
    return Charge(
        amount=unsigned_amount(raw, "amount", currency),
        amount_captured=unsigned_amount(raw, "amount_captured", currency),
        amount_refunded=optional_amount(raw, "amount_refunded", currency) or 0,
        currency=currency,
        status=_charge_status(raw),
        captured=captured,
        refunded=bool(raw.get("refunded")),
        disputed=bool(raw.get("disputed") or raw.get("dispute")),
        at=instant(raw.get("created")) or seen,
        captured_at=instant(movement.get("created")) if captured else None,
        customer=ref(raw.get("customer")),
        payment_intent=ref(raw.get("payment_intent")),
        invoice=ref(raw.get("invoice")),
        balance_transaction=ref(raw.get("balance_transaction")),
        application_fee=ref(raw.get("application_fee")),
        application_fee_amount=optional_amount(raw, "application_fee_amount", currency),
        destination=ref(passed_on.get("destination")),
        transfer_amount=optional_amount(passed_on, "amount", currency),
        on_behalf_of=ref(raw.get("on_behalf_of")),
        transfer=ref(raw.get("transfer")),
        source_transfer=ref(raw.get("source_transfer")),
        method=kind,
        brand=brand(card.get("brand")),
        network=brand(card.get("network")) or brand(card.get("brand")),
        card_present=kind in _PRESENT if kind in ("card", *_PRESENT) else None,
        card_country=text(card.get("country")),
        fingerprint=text(card.get("fingerprint")),
        three_d_secure=_three_d_secure(card),
        failure_code=text(raw.get("failure_code")),
        statement_descriptor=text(raw.get("calculated_statement_descriptor")) or text(raw.get("statement_descriptor")),
    )


def _charge_status(raw: Raw) -> Any:
    """The status; of payloads that have none, what `paid` and a failure say."""
    status = text(raw.get("status"))
    if status is not None:
        return status
    return "succeeded" if raw.get("paid") else "failed" if raw.get("failure_code") else "pending"


def _three_d_secure(card: Raw) -> bool | None:
    check = card.get("three_d_secure")
    if type(check) is not dict:
        return None
    return flag(check.get("authenticated")) if "authenticated" in check else check.get("result") == "authenticated"


def refund(raw: Raw, seen: datetime) -> Refund:
    currency = currency_of(raw)
    status: Any = text(raw.get("status"))
    return Refund(
        amount=unsigned_amount(raw, "amount", currency),
        currency=currency,
        status=status,
        at=instant(raw.get("created")) or seen,
        charge=ref(raw.get("charge")),
        payment_intent=ref(raw.get("payment_intent")),
        reason=text(raw.get("reason")),
        balance_transaction=ref(raw.get("balance_transaction")),
        failure_balance_transaction=ref(raw.get("failure_balance_transaction")),
        failure_reason=text(raw.get("failure_reason")),
    )


def dispute(raw: Raw, seen: datetime) -> Dispute:
    currency = currency_of(raw)
    evidence = part(raw.get("evidence_details"))
    card = part(part(raw.get("payment_method_details")).get("card"))
    transactions = listed(raw.get("balance_transactions"))
    return Dispute(
        amount=unsigned_amount(raw, "amount", currency),
        currency=currency,
        status=text(raw.get("status")) or "needs_response",
        reason=text(raw.get("reason")),
        at=instant(raw.get("created")) or seen,
        charge=ref(raw.get("charge")),
        payment_intent=ref(raw.get("payment_intent")),
        network=brand(card.get("network")) or brand(card.get("brand")),
        network_reason_code=text(raw.get("network_reason_code")) or text(card.get("network_reason_code")),
        case_type=text(card.get("case_type")),
        balance_transactions=tuple(found for found in map(ref, transactions) if found),
        movements=tuple(_movement(one, seen) for one in objects(raw.get("balance_transactions")) if ref(one)),
        is_charge_refundable=flag(raw.get("is_charge_refundable")),
        evidence_due_by=instant(evidence.get("due_by")),
        has_evidence=flag(evidence.get("has_evidence")),
        past_due=flag(evidence.get("past_due")),
        submission_count=number(evidence.get("submission_count")),
    )


def _movement(raw: Raw, seen: datetime) -> DisputeMovement:
    currency = currency_of(raw)
    return DisputeMovement(
        balance_transaction=ref(raw) or "",
        amount=amount(raw, "amount", currency),
        fee=optional_amount(raw, "fee", currency) or 0,
        currency=currency,
        at=instant(raw.get("created")) or seen,
    )


def early_fraud_warning(raw: Raw, seen: datetime) -> EarlyFraudWarning:
    actionable = flag(raw.get("actionable"))
    return EarlyFraudWarning(
        charge=ref(raw.get("charge")),
        payment_intent=ref(raw.get("payment_intent")),
        actionable=True if actionable is None else actionable,
        fraud_type=text(raw.get("fraud_type")),
        at=instant(raw.get("created")) or seen,
    )


def application_fee(raw: Raw, seen: datetime) -> ApplicationFee:
    currency = currency_of(raw)
    return ApplicationFee(
        amount=amount(raw, "amount", currency),
        amount_refunded=optional_amount(raw, "amount_refunded", currency) or 0,
        currency=currency,
        at=instant(raw.get("created")) or seen,
        charge=ref(raw.get("charge")),
        originating_transaction=ref(raw.get("originating_transaction")),
        connected_account=ref(raw.get("account")) or ref(raw.get("user")),
        balance_transaction=ref(raw.get("balance_transaction")),
    )


def application_fee_refund(raw: Raw, seen: datetime) -> ApplicationFeeRefund:
    currency = currency_of(raw)
    return ApplicationFeeRefund(
        amount=amount(raw, "amount", currency),
        currency=currency,
        at=instant(raw.get("created")) or seen,
        fee=ref(raw.get("fee")),
        balance_transaction=ref(raw.get("balance_transaction")),
    )
