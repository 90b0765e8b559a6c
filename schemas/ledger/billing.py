"""Facts about billing: customers, subscriptions with their discounts, invoices and their payments, credit notes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from schemas.base import Amount, Value
from schemas.ledger.observation import ObjectState, Observation
from schemas.money import Currency, Minor

Interval = Literal["day", "week", "month", "year"]
InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void", "deleted"]


class Customer(ObjectState):
    """A customer, without what identifies a person."""

    KIND: ClassVar[str] = "customer"
    at: AwareDatetime | None = None
    currency: Currency | None = None
    balance: Minor | None = None
    delinquent: bool | None = None
    country: str | None = None


class Discount(Value):
    """A discount on a customer, a subscription or one of its items, with its coupon's terms.

    Where a payload names a discount by its id alone, only `id` is there; the terms are in its own facts
    (`DiscountObserved`). `percent_off` in percent; `amount_off` in minor units of `currency`. `duration`: `forever`,
    `once` or `repeating` (`duration_in_months`).
    """

    id: str | None = None
    coupon: str | None = None
    percent_off: Amount | None = None
    amount_off: Minor | None = None
    currency: Currency | None = None
    duration: Literal["forever", "once", "repeating"] | None = None
    duration_in_months: int | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    products: tuple[str, ...] = Field(default=(), description="applies to these products only; empty: to all")


class SubscriptionItem(Value):
    """A line of a subscription. `unit_amount` is minor units with decimals (`unit_amount_decimal`).

    None as `unit_amount`: the price is tiered or not said. `usage_type` metered has no quantity.
    """

    id: str
    price: str | None = None
    product: str | None = None
    currency: Currency | None = None
    unit_amount: Amount | None = None
    quantity: int | None = None
    interval: Interval | None = None
    interval_count: int = 1
    usage_type: Literal["licensed", "metered"] = "licensed"
    billing_scheme: str | None = None
    period_start: AwareDatetime | None = None
    period_end: AwareDatetime | None = None
    discounts: tuple[Discount, ...] = ()


class Subscription(ObjectState):
    """A subscription. `status` is Stripe's: incomplete, incomplete_expired, trialing, active, past_due, canceled,
    unpaid, paused. `paused` says that collection is paused, whatever the status.

    `period_start`, `period_end`: the earliest start and the earliest end of its items' periods.
    """

    KIND: ClassVar[str] = "subscription"
    customer: str | None = None
    status: str
    currency: Currency | None = None
    items: tuple[SubscriptionItem, ...] = ()
    items_complete: bool = Field(default=True, description="False: the payload holds the first items only")
    discounts: tuple[Discount, ...] = ()
    at: AwareDatetime | None = None
    start: AwareDatetime | None = None
    period_start: AwareDatetime | None = None
    period_end: AwareDatetime | None = None
    trial_start: AwareDatetime | None = None
    trial_end: AwareDatetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: AwareDatetime | None = None
    canceled_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    cancellation_reason: str | None = None
    paused: bool = False
    pause_behavior: str | None = None
    resumes_at: AwareDatetime | None = None
    collection_method: str | None = None
    latest_invoice: str | None = None


class CustomerDiscount(ObjectState):
    """A discount with whom it is for. Deleted when it ended."""

    KIND: ClassVar[str] = "discount"
    customer: str | None = None
    subscription: str | None = None
    discount: Discount


class Invoice(ObjectState):
    """An invoice. It failed when `attempt_count` is positive and it is not paid; recovered when paid after that."""

    KIND: ClassVar[str] = "invoice"
    customer: str | None = None
    subscription: str | None = None
    status: InvoiceStatus
    currency: Currency
    total: Minor = 0
    subtotal: Minor = 0
    amount_due: Minor = 0
    amount_paid: Minor = 0
    amount_remaining: Minor = 0
    attempted: bool = False
    attempt_count: int = 0
    billing_reason: str | None = None
    collection_method: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    paid_out_of_band: bool = False
    at: AwareDatetime
    due_date: AwareDatetime | None = None
    next_payment_attempt: AwareDatetime | None = None
    finalized_at: AwareDatetime | None = None
    paid_at: AwareDatetime | None = None
    voided_at: AwareDatetime | None = None
    marked_uncollectible_at: AwareDatetime | None = None


class InvoicePayment(ObjectState):
    """A payment that was applied to an invoice (the link that charges lost in basil)."""

    KIND: ClassVar[str] = "invoice_payment"
    invoice: str | None = None
    status: str | None = None
    currency: Currency
    amount_paid: Minor | None = None
    amount_requested: Minor | None = None
    charge: str | None = None
    payment_intent: str | None = None
    at: AwareDatetime
    paid_at: AwareDatetime | None = None


class CreditNote(ObjectState):
    """A credit note. Only `out_of_band` and the refunds it names move money; the rest lowers an invoice."""

    KIND: ClassVar[str] = "credit_note"
    invoice: str | None = None
    customer: str | None = None
    status: str
    type: str | None = None
    reason: str | None = None
    currency: Currency
    amount: Minor
    out_of_band: Minor | None = None
    refunds: tuple[str, ...] = ()
    at: AwareDatetime
    voided_at: AwareDatetime | None = None


class CustomerObserved(Observation):
    """A customer as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.customer_observed.v1"
    KIND: ClassVar[str] = Customer.KIND
    state: Customer


class SubscriptionObserved(Observation):
    """A subscription as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.subscription_observed.v1"
    KIND: ClassVar[str] = Subscription.KIND
    state: Subscription


class DiscountObserved(Observation):
    """A discount as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.discount_observed.v1"
    KIND: ClassVar[str] = CustomerDiscount.KIND
    state: CustomerDiscount


class InvoiceObserved(Observation):
    """An invoice as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.invoice_observed.v1"
    KIND: ClassVar[str] = Invoice.KIND
    state: Invoice


class InvoicePaymentObserved(Observation):
    """A payment of an invoice as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.invoice_payment_observed.v1"
    KIND: ClassVar[str] = InvoicePayment.KIND
    state: InvoicePayment


class CreditNoteObserved(Observation):
    """A credit note as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.credit_note_observed.v1"
    KIND: ClassVar[str] = CreditNote.KIND
    state: CreditNote
