"""Stripe's webhooks as they came in: the raw body, what was said about its signature, and whose business it is."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from schemas.base import EventData, Value
from schemas.envelope import NAMESPACE

# How an event came to us: pushed to one of the two endpoints, read from a file, or fetched from the List APIs.
Endpoint = Literal["platform", "connect", "file", "api"]


@lru_cache(maxsize=4096)
def business_id(tenant: str, account: str | None, livemode: bool) -> str:
    """The stable id of a business: (tenant, Stripe account or None for the platform itself, live or test mode).

    Test-mode data of an account is a business of its own, so the two never mix.
    """
    name = f"business/{tenant}/{account or 'platform'}/{'live' if livemode else 'test'}"
    return "biz_" + sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()[:24]


class SignatureVerdict(Value):
    """What the check of `Stripe-Signature` found. `secret` is the number of the configured secret that fitted.

    `checked` False: the event did not come through a signed endpoint (a file, or our own authenticated fetch).
    """

    checked: bool
    verified: bool = False
    signed_at: AwareDatetime | None = None
    skew_seconds: float | None = Field(default=None, description="received − signed_at; negative: from the future")
    secret: int | None = None


class WebhookReceived(EventData):
    """One Stripe event as it was received. `body` is the text that was signed, byte for byte (UTF-8).

    The event's id is Stripe's event id. `livemode` is false where the payload does not say: only live data is scored.
    `account` is the connected account, None for the platform's own. `received` is when we came to know of it.
    """

    TYPE: ClassVar[str] = "vaultra.stripe.webhook_received.v1"
    business: str
    account: str | None = None
    livemode: bool
    endpoint: Endpoint
    stripe_event: str
    stripe_type: str
    created: AwareDatetime = Field(description="Stripe's time of the event, one-second precision")
    received: AwareDatetime
    api_version: str | None = None
    headers: dict[str, str] = Field(default_factory=dict, description="the headers worth keeping, in lower case")
    verdict: SignatureVerdict
    body: str
