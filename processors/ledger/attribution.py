"""Whose a destination charge is: what a platform's events tell of the accounts that its charges were for.

Destination charges appear on the platform alone and are attributed by `transfer_data.destination` (METRICS.md). An
account whose own events come in as well reports the same money as a payment: the ledger then leaves this out
(`schemas/ledger/balance_identity.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.base import EventData
from schemas.ledger.balances import ReceivedTransfer, ReceivedTransferObserved, Transfer, TransferObserved
from schemas.ledger.observation import Observation
from schemas.ledger.payments import Charge, ChargeObserved, DestinationCharge, DestinationChargeObserved
from schemas.stripe_events import business_id

_KEPT = ("livemode", "object_id", "stripe_event", "stripe_type", "created", "known", "api_version", "deleted", "inside")
# What of a charge is the same for both.
_SHARED = ("currency", "status", "captured", "at", "captured_at", "customer", "fingerprint", "application_fee_amount")


def attributed(facts: Iterable[EventData], tenant: str) -> Sequence[EventData]:
    """The facts about other businesses that a platform's `facts` tell, in their order; mostly none."""
    return [found for fact in facts if (found := _attributed(fact, tenant)) is not None]


def _attributed(fact: EventData, tenant: str) -> Observation | None:
    match fact:
        case ChargeObserved(account=None, state=Charge(destination=str(account)) as sold) if _is_account(account):
            previous = {name: value for name, value in fact.previous.items() if name in _SHARED}
            return DestinationChargeObserved(**_about(account, fact, tenant), previous=previous, state=_passed_on(sold))
        case TransferObserved(account=None, state=Transfer(destination=str(account)) as sent) if _is_account(account):
            if sent.source_transaction is None or not sent.amount_reversed:
                return None  # of no charge, or nothing was taken back: what was passed on, the charge tells
            received = ReceivedTransfer(**{**dict(sent), "balance_transaction": None})  # which is the platform's
            return ReceivedTransferObserved(**_about(account, fact, tenant), previous=fact.previous, state=received)
        case _:
            return None


def _is_account(destination: str) -> bool:
    """What was called a transfer once may have gone to a bank or a card."""
    return destination.startswith("acct_")


def _passed_on(charge: Charge) -> DestinationCharge:
    whole = charge.amount_captured if charge.captured else charge.amount
    part = whole if charge.transfer_amount is None else min(charge.transfer_amount, whole)
    return DestinationCharge(
        amount=part,
        amount_captured=part if charge.captured else 0,
        source_transfer=charge.transfer,
        **{name: getattr(charge, name) for name in _SHARED},
    )


def _about(account: str, fact: Observation, tenant: str) -> dict[str, Any]:
    """Whose an attributed fact is, and what it keeps of the platform's."""
    kept = {name: getattr(fact, name) for name in _KEPT}
    return {**kept, "business": business_id(tenant, account, fact.livemode), "account": account}
