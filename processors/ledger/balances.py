"""Balance transactions, payouts, transfers and the balance itself: newest shape → canonical state."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from processors.ledger.reading import (
    Raw,
    amount,
    currency_of,
    decimal,
    flag,
    instant,
    objects,
    optional_amount,
    ref,
    text,
)
from schemas.ledger.balances import Balance, BalanceTransaction, FeeDetail, Money, Payout, Transfer


def balance_transaction(raw: Raw, seen: datetime) -> BalanceTransaction:
    currency = currency_of(raw)
    gross = amount(raw, "amount", currency)
    fee = optional_amount(raw, "fee", currency) or 0
    net = optional_amount(raw, "net", currency)
    return BalanceTransaction(
        amount=gross,
        fee=fee,
        net=gross - fee if net is None else net,
        currency=currency,
        exchange_rate=_rate(raw.get("exchange_rate")),
        type=text(raw.get("type")) or "unknown",
        reporting_category=text(raw.get("reporting_category")),
        source=ref(raw.get("source")),
        status=text(raw.get("status")),
        at=instant(raw.get("created")) or seen,
        available_on=instant(raw.get("available_on")),
        fee_details=tuple(_fee_detail(one, currency) for one in objects(raw.get("fee_details"))),
    )


def _rate(value: Any) -> Decimal | None:
    try:
        found = Decimal(decimal(value) or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 50 else None


def _fee_detail(raw: Raw, currency: str) -> FeeDetail:
    stated = text(raw.get("currency"))
    return FeeDetail(
        type=text(raw.get("type")) or "unknown",
        amount=optional_amount(raw, "amount", currency) or 0,
        currency=stated.lower() if stated else currency,
    )


def payout(raw: Raw, seen: datetime) -> Payout:
    currency = currency_of(raw)
    status: Any = text(raw.get("status")) or "pending"
    return Payout(
        amount=amount(raw, "amount", currency),
        currency=currency,
        status=status,
        automatic=flag(raw.get("automatic")),
        method=text(raw.get("method")),
        at=instant(raw.get("created")) or seen,
        arrival_date=instant(raw.get("arrival_date")),
        balance_transaction=ref(raw.get("balance_transaction")),
        failure_balance_transaction=ref(raw.get("failure_balance_transaction")),
        failure_code=text(raw.get("failure_code")),
        destination=ref(raw.get("destination")),
        original_payout=ref(raw.get("original_payout")),
        reversed_by=ref(raw.get("reversed_by")),
    )


def transfer(raw: Raw, seen: datetime) -> Transfer:
    currency = currency_of(raw)
    return Transfer(
        amount=amount(raw, "amount", currency),
        amount_reversed=optional_amount(raw, "amount_reversed", currency) or 0,
        currency=currency,
        at=instant(raw.get("created")) or seen,
        destination=ref(raw.get("destination")),
        destination_payment=ref(raw.get("destination_payment")),
        source_transaction=ref(raw.get("source_transaction")),
        balance_transaction=ref(raw.get("balance_transaction")),
        reversed=bool(raw.get("reversed")),
    )


def balance(raw: Raw, seen: datetime) -> Balance:
    return Balance(available=_sums(raw.get("available")), pending=_sums(raw.get("pending")))


def _sums(value: Any) -> tuple[Money, ...]:
    return tuple(
        Money(amount=amount(one, "amount", currency_of(one)), currency=currency_of(one)) for one in objects(value)
    )
