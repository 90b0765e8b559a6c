"""Which Stripe event types become facts, of which kind of object, and what else their payloads carry along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache

from processors.ledger import accounts, balances, billing, payments
from processors.ledger.reading import Raw
from processors.ledger.upcasters import is_old_payout
from schemas.ledger.observation import ObjectState

# From an object in its newest shape, and the time of its event, to its canonical state.
Mapper = Callable[[Raw, datetime], ObjectState]

MAPPERS: Mapping[str, Mapper] = {
    "charge": payments.charge,
    "refund": payments.refund,
    "dispute": payments.dispute,
    "early_fraud_warning": payments.early_fraud_warning,
    "application_fee": payments.application_fee,
    "application_fee_refund": payments.application_fee_refund,
    "balance_transaction": balances.balance_transaction,
    "payout": balances.payout,
    "transfer": balances.transfer,
    "balance": balances.balance,
    "customer": billing.customer,
    "subscription": billing.subscription,
    "discount": billing.customer_discount,
    "invoice": billing.invoice,
    "invoice_payment": billing.invoice_payment,
    "credit_note": billing.credit_note,
    "account": accounts.account,
    "external_account": accounts.external_account,
    "capability": accounts.capability,
}

# What Stripe calls an object in `object` → our kind. A `card` or `bank_account` is a payout destination of an account
# or a payment source of a customer: the event's type tells which.
KIND_OF_OBJECT: Mapping[str, str] = {
    **{kind: kind for kind in MAPPERS if kind != "external_account"},
    "radar.early_fraud_warning": "early_fraud_warning",
    "issuer_fraud_record": "early_fraud_warning",
    "fee_refund": "application_fee_refund",
    "application": "authorization",
    "bank_account": "external_account",
    "card": "external_account",
}
# The longest prefix decides.
_KIND_OF_PREFIX: Mapping[str, str] = {
    "charge.": "charge",
    "payment.": "charge",  # what a connected account receives from a destination charge
    "charge.refund.": "refund",
    "charge.dispute.": "dispute",
    "refund.": "refund",
    "radar.early_fraud_warning.": "early_fraud_warning",
    "issuer_fraud_record.": "early_fraud_warning",
    "application_fee.": "application_fee",
    "application_fee.refund.": "application_fee_refund",
    "balance_transaction.": "balance_transaction",
    "payout.": "payout",
    "transfer.": "transfer",
    "balance.available": "balance",
    "customer.created": "customer",
    "customer.updated": "customer",
    "customer.deleted": "customer",
    "customer.listed": "customer",
    "customer.subscription.": "subscription",
    "subscription.listed": "subscription",
    "dispute.listed": "dispute",
    "customer.discount.": "discount",
    "invoice.": "invoice",
    "invoice_payment.": "invoice_payment",
    "credit_note.": "credit_note",
    "account.updated": "account",
    "account.listed": "account",
    "account.application.": "authorization",
    "account.external_account.": "external_account",
    "capability.updated": "capability",
}
_LONGEST_FIRST = tuple(sorted(_KIND_OF_PREFIX.items(), key=lambda entry: -len(entry[0])))

# Where objects of a kind carry others in their payload: fields with an expanded object or a list of them. Payment
# intents make no fact of their own (METRICS.md: charges only), but the charges they carry do.
CARRIED: Mapping[str, tuple[str, ...]] = {
    "charge": ("balance_transaction", "refunds", "dispute", "customer", "invoice", "application_fee", "transfer"),
    "refund": ("charge", "balance_transaction", "failure_balance_transaction"),
    "dispute": ("charge", "balance_transactions", "balance_transaction"),
    "early_fraud_warning": ("charge",),
    "application_fee": ("balance_transaction", "refunds"),
    "application_fee_refund": ("balance_transaction", "fee"),
    "balance_transaction": ("source",),
    "payout": ("balance_transaction", "failure_balance_transaction"),
    "transfer": ("balance_transaction",),
    "customer": ("discount", "subscriptions"),
    "subscription": ("customer", "discount", "discounts", "latest_invoice"),
    "discount": ("customer",),
    "invoice": ("charge", "customer", "subscription", "payments", "discount", "discounts"),
    "invoice_payment": ("invoice",),
    "credit_note": ("refund", "invoice", "customer"),
    "payment_intent": ("latest_charge", "charges", "customer", "invoice"),
}


@lru_cache(maxsize=1024)
def kind_of_type(stripe_type: str) -> str | None:
    """The kind of object an event type is about, None for a type that no figure is made of."""
    return next((kind for prefix, kind in _LONGEST_FIRST if stripe_type.startswith(prefix)), None)


def kind_of_object(raw: Raw) -> str | None:
    """The kind of an object by what it calls itself."""
    name = raw.get("object")
    kind = KIND_OF_OBJECT.get(name) if type(name) is str else None
    return "payout" if kind == "transfer" and is_old_payout(raw) else kind
