"""Facts about the Stripe balance: its transactions, payouts, transfers, and what it holds."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from schemas.base import Amount, Value
from schemas.ledger.observation import ObjectState, Observation
from schemas.money import Currency, Minor

PayoutStatus = Literal["pending", "in_transit", "paid", "failed", "canceled"]


class Money(Value):
    """An amount in minor units of its currency."""

    amount: Minor
    currency: Currency


class FeeDetail(Value):
    """One part of a balance transaction's fee: `stripe_fee`, `application_fee`, `tax` …"""

    type: str
    amount: Minor
    currency: Currency


class BalanceTransaction(ObjectState):
    """One movement of the Stripe balance, in the settled currency: `amount − fee = net`, signed.

    `exchange_rate` says how the settled amount came about; it is never to be multiplied by hand.
    """

    KIND: ClassVar[str] = "balance_transaction"
    amount: Minor
    fee: Minor = 0
    net: Minor
    currency: Currency
    exchange_rate: Amount | None = None
    type: str
    reporting_category: str | None = None
    source: str | None = None
    status: str | None = None
    at: AwareDatetime
    available_on: AwareDatetime | None = None
    fee_details: tuple[FeeDetail, ...] = ()


class Payout(ObjectState):
    """Money sent to the bank. A `paid` payout may still become `failed`. `automatic` False is a manual one."""

    KIND: ClassVar[str] = "payout"
    amount: Minor
    currency: Currency
    status: PayoutStatus
    automatic: bool | None = None
    method: str | None = None
    at: AwareDatetime
    arrival_date: AwareDatetime | None = None
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    destination: str | None = None
    original_payout: str | None = None
    reversed_by: str | None = None


class Transfer(ObjectState):
    """Money a platform moved to a connected account; `source_transaction` is the charge it came from."""

    KIND: ClassVar[str] = "transfer"
    amount: Minor
    amount_reversed: Minor = 0
    currency: Currency
    at: AwareDatetime
    destination: str | None = None
    destination_payment: str | None = None
    source_transaction: str | None = None
    balance_transaction: str | None = None
    reversed: bool = False


class ReceivedTransfer(Transfer):
    """A platform's transfer, as the account it went to would see it: what is reversed of it is taken back."""

    KIND: ClassVar[str] = "received_transfer"


class Balance(ObjectState):
    """What the Stripe balance held, by currency."""

    KIND: ClassVar[str] = "balance"
    available: tuple[Money, ...] = Field(default=())
    pending: tuple[Money, ...] = Field(default=())


class BalanceTransactionObserved(Observation):
    """A balance transaction as a Stripe event or list showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.balance_transaction_observed.v1"
    KIND: ClassVar[str] = BalanceTransaction.KIND
    state: BalanceTransaction


class PayoutObserved(Observation):
    """A payout as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.payout_observed.v1"
    KIND: ClassVar[str] = Payout.KIND
    state: Payout


class TransferObserved(Observation):
    """A transfer to a connected account as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.transfer_observed.v1"
    KIND: ClassVar[str] = Transfer.KIND
    state: Transfer


class ReceivedTransferObserved(Observation):
    """A platform's transfer, attributed to the account it went to."""

    TYPE: ClassVar[str] = "vaultra.ledger.received_transfer_observed.v1"
    KIND: ClassVar[str] = ReceivedTransfer.KIND
    state: ReceivedTransfer


class BalanceObserved(Observation):
    """The balance as a Stripe event showed it. `object_id` is always `balance`."""

    TYPE: ClassVar[str] = "vaultra.ledger.balance_observed.v1"
    KIND: ClassVar[str] = Balance.KIND
    state: Balance
