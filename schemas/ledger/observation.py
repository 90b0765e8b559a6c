"""What every fact of the ledger has in common: one Stripe object as one Stripe event showed it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from schemas.base import EventData, Value


class ObjectState(Value):
    """The canonical form of one kind of Stripe object, whatever API version wrote it.

    Amounts are minor units of `currency`. None means that the payload did not say.
    """

    KIND: ClassVar[str]


class Observation(EventData):
    """A canonical observation: the `state` of object `object_id` at `created`, as event `stripe_event` told it.

    `known` is when we received it. `previous` are the canonical fields that this event changed, with their values
    before: they chain events of one second. `inside` names the object that carried this one in its payload (a refund
    inside its charge). `contradictions` say where the event's type and its object disagree: the object's state holds.
    """

    KIND: ClassVar[str]
    business: str
    account: str | None = None
    livemode: bool
    object_id: str
    stripe_event: str
    stripe_type: str
    created: AwareDatetime
    known: AwareDatetime
    api_version: str | None = None
    deleted: bool = False
    inside: str | None = None
    previous: dict[str, Any] = Field(default_factory=dict)
    contradictions: tuple[str, ...] = ()


class EventUnhandled(EventData):
    """A Stripe event of which no fact was made: kept, counted and shown by its type, with the reason."""

    TYPE: ClassVar[str] = "vaultra.ledger.event_unhandled.v1"
    business: str
    account: str | None = None
    livemode: bool
    stripe_event: str
    stripe_type: str
    created: AwareDatetime
    known: AwareDatetime
    api_version: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    reason: str
