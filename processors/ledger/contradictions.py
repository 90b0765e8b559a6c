"""Where an event's type says one thing and its object another. The object's state holds; the contradiction is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_CLOSED = ("won", "lost", "warning_closed", "charge_refunded", "prevented")

# Event type → what its object should look like. States are canonical.
_EXPECTED: Mapping[str, Callable[[Any], bool]] = {
    "charge.succeeded": lambda charge: charge.status == "succeeded",
    "charge.failed": lambda charge: charge.status == "failed",
    "charge.pending": lambda charge: charge.status == "pending",
    "charge.captured": lambda charge: charge.captured,
    "charge.refunded": lambda charge: charge.amount_refunded > 0,
    "refund.failed": lambda refund: refund.status == "failed",
    "charge.dispute.closed": lambda dispute: dispute.status in _CLOSED,
    "charge.dispute.funds_withdrawn": lambda dispute: not dispute.is_inquiry,
    "charge.dispute.funds_reinstated": lambda dispute: not dispute.is_inquiry,
    "payout.paid": lambda payout: payout.status == "paid",
    "payout.failed": lambda payout: payout.status == "failed",
    "payout.canceled": lambda payout: payout.status == "canceled",
    "transfer.paid": lambda moved: getattr(moved, "status", "paid") == "paid",
    "transfer.failed": lambda moved: getattr(moved, "status", "failed") == "failed",
    "customer.subscription.deleted": lambda one: one.status in ("canceled", "incomplete_expired"),
    "customer.subscription.paused": lambda one: one.status == "paused" or one.paused,
    "invoice.paid": lambda invoice: invoice.status == "paid",
    "invoice.payment_succeeded": lambda invoice: invoice.status == "paid",
    "invoice.payment_failed": lambda invoice: invoice.status != "paid",
    "invoice.voided": lambda invoice: invoice.status == "void",
    "invoice.marked_uncollectible": lambda invoice: invoice.status == "uncollectible",
    "invoice_payment.paid": lambda payment: payment.status in ("paid", None),
    "credit_note.voided": lambda note: note.status == "void",
}


def contradictions(stripe_type: str, state: Any) -> tuple[str, ...]:
    """What a person should know where the type and the state of its kind disagree; usually nothing."""
    expected = _EXPECTED.get(stripe_type)
    if expected is None or expected(state):
        return ()
    shown = getattr(state, "status", None)
    return (f"{stripe_type} came with a {state.KIND} whose state says otherwise" + (f": {shown}" if shown else ""),)
