"""Facts about payments: charges, refunds, disputes, early fraud warnings, application fees."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from schemas.base import Value
from schemas.ledger.observation import ObjectState, Observation
from schemas.money import Currency, Minor

ChargeStatus = Literal["succeeded", "pending", "failed"]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]


class Charge(ObjectState):
    """A charge. What counts as revenue is `amount_captured` of a succeeded, captured one, at `captured_at`.

    `brand` and `network` are lower case as in Stripe's newer versions (`amex`); `card_present` None is not a card or
    not said. `fingerprint` identifies a card across guests. `destination` attributes a destination charge.
    """

    KIND: ClassVar[str] = "charge"
    amount: Minor
    amount_captured: Minor
    amount_refunded: Minor = 0
    currency: Currency
    status: ChargeStatus
    captured: bool
    refunded: bool = False
    disputed: bool = False
    at: AwareDatetime = Field(description="when the charge was made")
    captured_at: AwareDatetime | None = Field(default=None, description="where the payload tells it")
    customer: str | None = None
    payment_intent: str | None = None
    invoice: str | None = None
    balance_transaction: str | None = None
    application_fee: str | None = None
    application_fee_amount: Minor | None = None
    destination: str | None = None
    transfer_amount: Minor | None = Field(
        default=None, description="what of a destination charge was passed on; None: all of it, less the fee"
    )
    on_behalf_of: str | None = None
    transfer: str | None = None
    source_transfer: str | None = None
    method: str | None = None
    brand: str | None = None
    network: str | None = None
    card_present: bool | None = None
    card_country: str | None = None
    fingerprint: str | None = None
    three_d_secure: bool | None = None
    failure_code: str | None = None
    statement_descriptor: str | None = None


class DestinationCharge(Charge):
    """A destination charge of a platform, as the account it was for would see it: what was passed on to it.

    The account reports the same money as a payment of its own, where it reports at all; both name the transfer it came
    with in `source_transfer`. Refunds, disputes and Stripe's fee are the platform's.
    """

    KIND: ClassVar[str] = "destination_charge"


class Refund(ObjectState):
    """A refund. Pending is provisional, failed and canceled give the money back to the business."""

    KIND: ClassVar[str] = "refund"
    amount: Minor
    currency: Currency
    status: RefundStatus
    at: AwareDatetime
    charge: str | None = None
    payment_intent: str | None = None
    reason: str | None = None
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None


class DisputeMovement(Value):
    """Money a dispute moved, in the settled currency: negative when withdrawn, positive when reinstated."""

    balance_transaction: str
    amount: Minor
    fee: Minor = 0
    currency: Currency
    at: AwareDatetime


class Dispute(ObjectState):
    """A dispute. `status` is Stripe's; `warning_*` is an inquiry and moves no money, `prevented` never became one.

    `balance_transactions` are the ids of its movements where known, `movements` what they moved where told.
    """

    KIND: ClassVar[str] = "dispute"
    amount: Minor
    currency: Currency
    status: str
    reason: str | None = None
    at: AwareDatetime
    charge: str | None = None
    payment_intent: str | None = None
    network: str | None = None
    network_reason_code: str | None = None
    case_type: str | None = None
    balance_transactions: tuple[str, ...] = ()
    movements: tuple[DisputeMovement, ...] = ()
    is_charge_refundable: bool | None = None
    evidence_due_by: AwareDatetime | None = None
    has_evidence: bool | None = None
    past_due: bool | None = None
    submission_count: int | None = None

    @property
    def is_inquiry(self) -> bool:
        return self.status.startswith("warning_")


class EarlyFraudWarning(ObjectState):
    """A card network's report of suspected fraud. `actionable` until the charge is refunded or disputed."""

    KIND: ClassVar[str] = "early_fraud_warning"
    charge: str | None = None
    payment_intent: str | None = None
    actionable: bool
    fraud_type: str | None = None
    at: AwareDatetime


class ApplicationFee(ObjectState):
    """What a platform took from a connected account's charge: the platform's own revenue."""

    KIND: ClassVar[str] = "application_fee"
    amount: Minor
    amount_refunded: Minor = 0
    currency: Currency
    at: AwareDatetime
    charge: str | None = None
    originating_transaction: str | None = None
    connected_account: str | None = None
    balance_transaction: str | None = None


class ApplicationFeeRefund(ObjectState):
    """Money a platform gave back of an application fee."""

    KIND: ClassVar[str] = "application_fee_refund"
    amount: Minor
    currency: Currency
    at: AwareDatetime
    fee: str | None = None
    balance_transaction: str | None = None


class ChargeObserved(Observation):
    """A charge as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.charge_observed.v1"
    KIND: ClassVar[str] = Charge.KIND
    state: Charge


class DestinationChargeObserved(Observation):
    """A platform's destination charge, attributed to the account it was for."""

    TYPE: ClassVar[str] = "vaultra.ledger.destination_charge_observed.v1"
    KIND: ClassVar[str] = DestinationCharge.KIND
    state: DestinationCharge


class RefundObserved(Observation):
    """A refund as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.refund_observed.v1"
    KIND: ClassVar[str] = Refund.KIND
    state: Refund


class DisputeObserved(Observation):
    """A dispute as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.dispute_observed.v1"
    KIND: ClassVar[str] = Dispute.KIND
    state: Dispute


class EarlyFraudWarningObserved(Observation):
    """An early fraud warning as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.early_fraud_warning_observed.v1"
    KIND: ClassVar[str] = EarlyFraudWarning.KIND
    state: EarlyFraudWarning


class ApplicationFeeObserved(Observation):
    """An application fee as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.application_fee_observed.v1"
    KIND: ClassVar[str] = ApplicationFee.KIND
    state: ApplicationFee


class ApplicationFeeRefundObserved(Observation):
    """A refund of an application fee as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.application_fee_refund_observed.v1"
    KIND: ClassVar[str] = ApplicationFeeRefund.KIND
    state: ApplicationFeeRefund
