"""Facts about a Stripe account: what it may do, what it lacks, where its payouts go, whether we may still read it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from schemas.ledger.observation import ObjectState, Observation
from schemas.money import Currency


class Account(ObjectState):
    """A Stripe account. `payouts_enabled` False caps the score; `due` are requirements that are open."""

    KIND: ClassVar[str] = "account"
    name: str | None = None
    country: str | None = None
    default_currency: Currency | None = None
    type: str | None = None
    charges_enabled: bool | None = None
    payouts_enabled: bool | None = None
    details_submitted: bool | None = None
    disabled_reason: str | None = None
    currently_due: tuple[str, ...] = ()
    past_due: tuple[str, ...] = ()
    due_by: AwareDatetime | None = None
    at: AwareDatetime | None = None


class Authorization(ObjectState):
    """Whether the account lets our application read it."""

    KIND: ClassVar[str] = "authorization"
    application: str | None = None
    authorized: bool


class ExternalAccount(ObjectState):
    """A bank account or card that payouts go to. `status` errored or verification_failed stops payouts."""

    KIND: ClassVar[str] = "external_account"
    type: str
    currency: Currency | None = None
    country: str | None = None
    status: str | None = None
    default_for_currency: bool | None = None


class Capability(ObjectState):
    """A capability of an account: `card_payments`, `transfers` … with its status."""

    KIND: ClassVar[str] = "capability"
    capability: str
    status: str | None = None
    requested: bool | None = None
    disabled_reason: str | None = None


class AccountObserved(Observation):
    """An account as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.account_observed.v1"
    KIND: ClassVar[str] = Account.KIND
    state: Account


class AuthorizationObserved(Observation):
    """An application was authorised or lost its authorisation."""

    TYPE: ClassVar[str] = "vaultra.ledger.authorization_observed.v1"
    KIND: ClassVar[str] = Authorization.KIND
    state: Authorization


class ExternalAccountObserved(Observation):
    """An external account as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.external_account_observed.v1"
    KIND: ClassVar[str] = ExternalAccount.KIND
    state: ExternalAccount


class CapabilityObserved(Observation):
    """A capability as a Stripe event showed it."""

    TYPE: ClassVar[str] = "vaultra.ledger.capability_observed.v1"
    KIND: ClassVar[str] = Capability.KIND
    state: Capability
