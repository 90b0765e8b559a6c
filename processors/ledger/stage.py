"""The stage `ledger`: a received webhook becomes facts of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processors.ledger.attribution import attributed
from processors.ledger.observe import facts_of
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.ledger.facts import LEDGER_EVENTS
from schemas.stripe_events import WebhookReceived


@stage("ledger", consumes=[WebhookReceived], emits=LEDGER_EVENTS, timeout=10, retries=1)
async def ledger(event: Event[WebhookReceived]) -> Sequence[EventData]:
    """The facts an event tells; see `told_by`."""
    return told_by(event)


def told_by(event: Event[WebhookReceived], payload: Mapping[str, Any] | None = None) -> Sequence[EventData]:
    """The facts an event tells of its own business, then those it tells of others. Raises as `facts_of` does."""
    facts = facts_of(event.data, payload)
    return [*facts, *attributed(facts, event.tenantid)]
