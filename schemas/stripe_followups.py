"""What some webhooks ask for beyond being stored, and what came of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import EventData

# connected: import its history · deauthorized: stop reading it · missed: fetch what Stripe could not send ·
# thin: fetch the object that a v2 event is about.
FollowUp = Literal["connected", "deauthorized", "missed", "thin"]


class FollowUpRequested(EventData):
    """Something is to be done about an account. `stripe_event` asked for it, None for a connection made here."""

    TYPE: ClassVar[str] = "vaultra.stripe.follow_up_requested.v1"
    kind: FollowUp
    account: str | None = None
    livemode: bool = False
    stripe_event: str | None = None
    since: int | None = Field(default=None, description="missed: Unix seconds from which on to fetch")
    until: int | None = Field(default=None, description="missed: Unix seconds until which to fetch")


class FollowUpDone(EventData):
    """It was done; `appended` are the events that were new on the log."""

    TYPE: ClassVar[str] = "vaultra.stripe.follow_up_done.v1"
    kind: FollowUp
    account: str | None = None
    read: int = 0
    appended: int = 0


class FollowUpParked(EventData):
    """It cannot be done as things are, for `reason`. Kept: `vaultra stripe parked` shows what waits.

    `needs_key`: no key of Stripe's API is configured; once one is, it is asked for again by itself.
    """

    TYPE: ClassVar[str] = "vaultra.stripe.follow_up_parked.v1"
    request: FollowUpRequested
    reason: str
    needs_key: bool = False
