"""Webhooks as tests make them: a payload, wrapped as it would have been received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from processors.ledger.observe import facts_of
from schemas.base import EventData
from schemas.stripe_events import SignatureVerdict, WebhookReceived, business_id

BUSINESS = business_id("local", None, True)
START = datetime(2026, 1, 1, tzinfo=UTC)


def at(days: float) -> int:
    """Unix seconds, so many days after the start of the story."""
    return int((START + timedelta(days=days)).timestamp())


def webhook(event: Mapping[str, Any], *, received: datetime | None = None) -> WebhookReceived:
    """An event as received; by default in the second Stripe made it, or when the story starts."""
    created = datetime.fromtimestamp(event.get("created", at(0)), UTC)
    account = event["account"] if isinstance(event.get("account"), str) else None
    return WebhookReceived(
        business=business_id("local", account, True),
        account=account,
        livemode=True,
        endpoint="file",
        stripe_event=event["id"],
        stripe_type=event["type"],
        created=created,
        received=received or max(created, START),
        api_version=event.get("api_version"),
        verdict=SignatureVerdict(checked=False),
        body=json.dumps(event),
    )


def event(number: str, stripe_type: str, day: float, raw: Any, **more: Any) -> dict[str, Any]:
    """An event about an object; `previous` become its previous attributes."""
    data = {"object": raw}
    if "previous" in more:
        data["previous_attributes"] = more.pop("previous")
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": stripe_type,
        "created": at(day),
        "livemode": True,
        "data": data,
        **more,
    }


def observed(payload: Mapping[str, Any]) -> list[EventData]:
    return list(facts_of(webhook(payload)))
