"""What of a Stripe event is looked at before it is stored: enough to file it, nothing more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json

from schemas.errors import WebhookRefused

# Stripe sends no event this large; whoever does is not Stripe.
LARGEST_BODY = 1_000_000

_ID = re.compile(r"[A-Za-z0-9_-]{1,120}")
_TYPE = re.compile(r"[a-z0-9_.\[\]]{1,200}", re.IGNORECASE)
_THIN = "v2.core.event"
# Seconds that fit a timestamptz and a datetime.
_LAST_SECOND = 253_402_300_799


class EventHead(NamedTuple):
    """The attributes by which an event is filed. Only `id` and `type` are certain to be there.

    `created` in Unix seconds. `account` is the connected account. `thin` events (v2) carry no object.
    """

    id: str
    type: str
    account: str | None
    livemode: bool | None
    created: int | None
    api_version: str | None
    thin: bool


class StripeEvent(NamedTuple):
    """An event as it came: its text, which encodes to the same bytes again, what that says as JSON, and the head."""

    body: str
    payload: Mapping[str, Any]
    head: EventHead


def read_event(body: bytes) -> StripeEvent:
    """The event in a webhook's body, or in a file.

    Raises WebhookRefused with code `too_large`, `not_utf8`, `not_json` or `not_an_event`.
    """
    if len(body) > LARGEST_BODY:
        raise WebhookRefused("too_large", f"The body has more than {LARGEST_BODY} bytes.")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise WebhookRefused("not_utf8", f"The body is not UTF-8 at byte {error.start}.") from error
    try:
        payload = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise WebhookRefused("not_json", f"The body is not JSON: {error}.") from error
    return StripeEvent(text, payload, read_head(payload))


def read_head(event: Any) -> EventHead:
    """The head of a parsed event. Raises WebhookRefused with code `not_an_event`."""
    if not isinstance(event, dict):
        raise WebhookRefused("not_an_event", "The body is JSON, but no object.")
    kind = event.get("object")
    if kind not in ("event", _THIN):
        raise WebhookRefused("not_an_event", "The body is a JSON object, but no Stripe event.")
    id, type_name = event.get("id"), event.get("type")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise WebhookRefused("not_an_event", "The event has no id.")
    if not isinstance(type_name, str) or not _TYPE.fullmatch(type_name):
        raise WebhookRefused("not_an_event", "The event has no type.")
    thin = kind == _THIN
    account = event.get("context" if thin else "account")
    livemode, api_version = event.get("livemode"), event.get("api_version")
    return EventHead(
        id=id,
        type=type_name,
        account=account if isinstance(account, str) and _ID.fullmatch(account) else None,
        livemode=livemode if isinstance(livemode, bool) else None,
        created=_seconds(event.get("created")),
        api_version=api_version if isinstance(api_version, str) and api_version.isprintable() else None,
        thin=thin,
    )


def _seconds(created: object) -> int | None:
    """Unix seconds; v2 writes RFC 3339."""
    if isinstance(created, str):
        try:
            created = int(datetime.fromisoformat(created).timestamp())
        except (ValueError, OverflowError):
            return None
    if isinstance(created, int) and not isinstance(created, bool) and 0 <= created <= _LAST_SECOND:
        return created
    return None
