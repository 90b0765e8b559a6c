"""Every fact of the ledger, by the kind of object it is about."""

from __future__ import annotations

from schemas.base import EventData
from schemas.ledger import accounts, balances, billing, payments
from schemas.ledger.observation import EventUnhandled, ObjectState, Observation

OBSERVATIONS: tuple[type[Observation], ...] = (
    payments.ChargeObserved,
    payments.DestinationChargeObserved,
    payments.RefundObserved,
    payments.DisputeObserved,
    payments.EarlyFraudWarningObserved,
    payments.ApplicationFeeObserved,
    payments.ApplicationFeeRefundObserved,
    balances.BalanceTransactionObserved,
    balances.PayoutObserved,
    balances.TransferObserved,
    balances.ReceivedTransferObserved,
    balances.BalanceObserved,
    billing.CustomerObserved,
    billing.SubscriptionObserved,
    billing.DiscountObserved,
    billing.InvoiceObserved,
    billing.InvoicePaymentObserved,
    billing.CreditNoteObserved,
    accounts.AccountObserved,
    accounts.AuthorizationObserved,
    accounts.ExternalAccountObserved,
    accounts.CapabilityObserved,
)

# The kinds of objects that only a platform's events tell of.
ATTRIBUTED = (payments.DestinationCharge.KIND, balances.ReceivedTransfer.KIND)

# Everything the ledger stage emits.
LEDGER_EVENTS: tuple[type[EventData], ...] = (*OBSERVATIONS, EventUnhandled)

OBSERVED_AS: dict[str, type[Observation]] = {fact.KIND: fact for fact in OBSERVATIONS}
STATES: dict[str, type[ObjectState]] = {
    fact.KIND: fact.model_fields["state"].annotation  # type: ignore[misc]  # of a class it is that class
    for fact in OBSERVATIONS
}
