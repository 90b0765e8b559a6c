"""What is read from a ledger: entries, and the history of each object. Plain values, the same for every reader."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Literal, NamedTuple

from schemas.ledger.observation import ObjectState

# What an entry does to the business's balance; the sign is in its amount.
EntryKind = Literal[
    "charge",
    "refund",
    "refund_reversed",
    "dispute_withdrawn",
    "dispute_reinstated",
    "fee",
    "payout",
    "payout_reversed",
    "application_fee",
    "application_fee_refund",
    "transfer",
    "transfer_reversed",
    "adjustment",
]


class Entry(NamedTuple):
    """One movement of money, signed as the business sees it: a charge is positive, a refund or a payout negative.

    `amount` is in minor units of `currency`, as the object states it (presentment). `settled_amount` of
    `settled_currency` is what its balance transaction moved, None where that is not known. `effective` is when it
    happened. `charge` is the charge it belongs to: the cohort of a refund, a dispute or a fee
    (of an application fee that was given back, that fee). `provisional`: it may
    still be undone (a pending refund). `events` are the Stripe events that show it.
    """

    id: str
    kind: EntryKind
    object_kind: str
    object_id: str
    charge: str | None
    customer: str | None
    amount: int
    currency: str
    effective: datetime
    balance_transaction: str | None
    settled_amount: int | None
    settled_currency: str | None
    provisional: bool
    events: tuple[str, ...]


class Version(NamedTuple):
    """An object from `created` on, until its next version. `event` is the Stripe event that shows it first, `also`
    the types of others that show the same."""

    created: datetime
    state: ObjectState
    deleted: bool
    event: str
    stripe_type: str
    contradictions: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def is_listed(self) -> bool:
        """Whether a list that was read later shows it: that it is so, not since when."""
        return self.stripe_type.endswith(".listed")


class History(NamedTuple):
    """Everything known of one Stripe object, oldest version first; never empty."""

    kind: str
    object_id: str
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    def told_at(self, version: Version, otherwise: datetime) -> datetime:
        """Since when a version holds; `otherwise` where the object was never seen before a list showed it so."""
        return otherwise if version is self.versions[0] and version.is_listed else version.created

    def at(self, time: datetime) -> Version | None:
        """The version in force at a time; None where the object was not seen yet."""
        place = bisect_right(self.versions, time, key=lambda version: version.created)
        return self.versions[place - 1] if place else None
