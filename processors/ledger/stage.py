"""The stage `ledger`: a received webhook becomes facts of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from processors.ledger.observe import facts_of
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.ledger.facts import LEDGER_EVENTS
from schemas.stripe_events import WebhookReceived


@stage("ledger", consumes=[WebhookReceived], emits=LEDGER_EVENTS, timeout=10, retries=1)
async def ledger(event: Event[WebhookReceived]) -> Sequence[EventData]:
    """The facts an event tells; see `facts_of`."""
    return facts_of(event.data)
