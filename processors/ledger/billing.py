"""Customers, subscriptions, discounts, invoices and credit notes: newest shape → canonical state."""

from __future__ import annotations

from collections.abc import Iterable
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
    listed,
    number,
    objects,
    optional_amount,
    optional_currency,
    part,
    ref,
    text,
)
from processors.ledger.upcasters import coupon_moves_to_source
from schemas.ledger.billing import (
    CreditNote,
    Customer,
    CustomerDiscount,
    Discount,
    Invoice,
    InvoicePayment,
    Subscription,
    SubscriptionItem,
)

_INTERVALS = ("day", "week", "month", "year")
_DURATIONS = ("forever", "once", "repeating")


def customer(raw: Raw, seen: datetime) -> Customer:
    currency = optional_currency(raw)
    address = part(raw.get("address"))
    return Customer(
        at=instant(raw.get("created")),
        currency=currency,
        balance=optional_amount(raw, "balance", currency or "usd"),
        delinquent=flag(raw.get("delinquent")),
        country=text(address.get("country")),
    )


def subscription(raw: Raw, seen: datetime) -> Subscription:
    items = tuple(_item(item) for item in objects(raw.get("items")))
    paused = part(raw.get("pause_collection"))
    return Subscription(
        customer=ref(raw.get("customer")),
        status=text(raw.get("status")) or "incomplete",
        currency=optional_currency(raw) or next((item.currency for item in items if item.currency), None),
        items=items,
        items_complete=not part(raw.get("items")).get("has_more"),
        discounts=_discounts(raw.get("discounts")),
        at=instant(raw.get("created")) or instant(raw.get("start_date")),
        start=instant(raw.get("start_date")),
        period_start=_earliest(item.period_start for item in items),
        period_end=_earliest(item.period_end for item in items),
        trial_start=instant(raw.get("trial_start")),
        trial_end=instant(raw.get("trial_end")),
        cancel_at_period_end=bool(raw.get("cancel_at_period_end")),
        cancel_at=instant(raw.get("cancel_at")),
        canceled_at=instant(raw.get("canceled_at")),
        ended_at=instant(raw.get("ended_at")),
        cancellation_reason=text(part(raw.get("cancellation_details")).get("reason")),
        paused=bool(paused),
        pause_behavior=text(paused.get("behavior")),
        resumes_at=instant(paused.get("resumes_at")),
        collection_method=text(raw.get("collection_method")),
        latest_invoice=ref(raw.get("latest_invoice")),
    )


def _item(raw: Raw) -> SubscriptionItem:
    price = part(raw.get("price"))
    recurring = part(price.get("recurring"))
    interval: Any = text(recurring.get("interval"))
    metered = recurring.get("usage_type") == "metered"
    quantity = _packages(number(raw.get("quantity")), part(price.get("transform_quantity")))
    return SubscriptionItem(
        id=ref(raw) or "",
        price=ref(price) or text(raw.get("price")),
        product=ref(price.get("product")),
        currency=optional_currency(price),
        unit_amount=_unit_amount(price),
        quantity=None if metered else 1 if quantity is None else quantity,
        interval=interval if interval in _INTERVALS else None,
        interval_count=number(recurring.get("interval_count")) or 1,
        usage_type="metered" if metered else "licensed",
        billing_scheme=text(price.get("billing_scheme")),
        period_start=instant(raw.get("current_period_start")),
        period_end=instant(raw.get("current_period_end")),
        discounts=_discounts(raw.get("discounts")),
    )


def _packages(quantity: int | None, transform: Raw) -> int | None:
    """How many times the price is charged: a price for packages (`transform_quantity`) divides what was ordered."""
    size = number(transform.get("divide_by"))
    if quantity is None or size is None or size < 1:
        return quantity
    return -(-quantity // size) if transform.get("round") == "up" else quantity // size


def _unit_amount(price: Raw) -> Decimal | None:
    """Minor units with their decimals, written alike whether the payload says `1000`, `"1000"` or `"1000.0"`."""
    stated = price.get("unit_amount_decimal")
    value = _decimal(stated if stated is not None else price.get("unit_amount"))
    if value is None:
        return None
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _decimal(value: Any) -> Decimal | None:
    try:
        found = Decimal(decimal(value) or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 20 else None


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _discounts(value: Any) -> tuple[Discount, ...]:
    """Discounts of a list, which may name them by id alone."""
    found = []
    for member in listed(value):
        if type(member) is dict:
            found.append(discount(member))
        elif text(member):
            found.append(Discount(id=text(member)))
    return tuple(found)


def discount(raw: Raw) -> Discount:
    coupon = part(coupon_moves_to_source(raw).get("source")).get("coupon")
    terms = part(coupon)
    currency = optional_currency(terms)
    duration: Any = text(terms.get("duration"))
    percent = _decimal(terms.get("percent_off_precise") or terms.get("percent_off"))
    return Discount(
        id=text(raw.get("id")),
        coupon=ref(coupon),
        percent_off=None if percent is None else _shortest(percent),
        amount_off=optional_amount(terms, "amount_off", currency or "usd"),
        currency=currency,
        duration=duration if duration in _DURATIONS else None,
        duration_in_months=number(terms.get("duration_in_months")),
        start=instant(raw.get("start")),
        end=instant(raw.get("end")),
        products=tuple(filter(None, map(text, listed(part(terms.get("applies_to")).get("products"))))),
    )


def _shortest(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def customer_discount(raw: Raw, seen: datetime) -> CustomerDiscount:
    return CustomerDiscount(
        customer=ref(raw.get("customer")), subscription=ref(raw.get("subscription")), discount=discount(raw)
    )


def invoice(raw: Raw, seen: datetime) -> Invoice:
    currency = currency_of(raw)
    moments = part(raw.get("status_transitions"))
    payments = [part(one.get("payment")) for one in objects(raw.get("payments"))]
    details = part(part(raw.get("parent")).get("subscription_details"))
    status: Any = text(raw.get("status"))
    due = optional_amount(raw, "amount_due", currency) or 0
    paid = optional_amount(raw, "amount_paid", currency)
    remaining = optional_amount(raw, "amount_remaining", currency)
    if paid is None:
        paid = due if status == "paid" else 0
    return Invoice(
        customer=ref(raw.get("customer")),
        subscription=ref(details.get("subscription")),
        status=status,
        currency=currency,
        total=optional_amount(raw, "total", currency) or 0,
        subtotal=optional_amount(raw, "subtotal", currency) or 0,
        amount_due=due,
        amount_paid=paid,
        amount_remaining=due - paid if remaining is None else remaining,
        attempted=bool(raw.get("attempted")),
        attempt_count=number(raw.get("attempt_count")) or 0,
        billing_reason=text(raw.get("billing_reason")),
        collection_method=text(raw.get("collection_method")) or text(raw.get("billing")),
        charge=next(filter(None, (ref(one.get("charge")) for one in payments)), None),
        payment_intent=next(filter(None, (ref(one.get("payment_intent")) for one in payments)), None),
        paid_out_of_band=bool(raw.get("paid_out_of_band")),
        at=instant(raw.get("created")) or seen,
        due_date=instant(raw.get("due_date")),
        next_payment_attempt=instant(raw.get("next_payment_attempt")),
        finalized_at=instant(moments.get("finalized_at")) or instant(raw.get("finalized_at")),
        paid_at=instant(moments.get("paid_at")),
        voided_at=instant(moments.get("voided_at")),
        marked_uncollectible_at=instant(moments.get("marked_uncollectible_at")),
    )


def invoice_payment(raw: Raw, seen: datetime) -> InvoicePayment:
    currency = currency_of(raw)
    payment = part(raw.get("payment"))
    return InvoicePayment(
        invoice=ref(raw.get("invoice")),
        status=text(raw.get("status")),
        currency=currency,
        amount_paid=optional_amount(raw, "amount_paid", currency),
        amount_requested=optional_amount(raw, "amount_requested", currency),
        charge=ref(payment.get("charge")),
        payment_intent=ref(payment.get("payment_intent")),
        at=instant(raw.get("created")) or seen,
        paid_at=instant(part(raw.get("status_transitions")).get("paid_at")),
    )


def credit_note(raw: Raw, seen: datetime) -> CreditNote:
    currency = currency_of(raw)
    refunds = [raw.get("refund"), *(one.get("refund") for one in objects(raw.get("refunds")))]
    return CreditNote(
        invoice=ref(raw.get("invoice")),
        customer=ref(raw.get("customer")),
        status=text(raw.get("status")) or "issued",
        type=text(raw.get("type")),
        reason=text(raw.get("reason")),
        currency=currency,
        amount=amount(raw, "amount", currency),
        out_of_band=optional_amount(raw, "out_of_band_amount", currency),
        refunds=tuple(dict.fromkeys(found for found in map(ref, refunds) if found)),
        at=instant(raw.get("created")) or seen,
        voided_at=instant(raw.get("voided_at")),
    )
