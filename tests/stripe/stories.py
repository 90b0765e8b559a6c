"""Stripe events made up for tests: every one of its own id, shaped as Stripe shapes them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from processors.ledger.stage import ledger
from streams.embedded import EmbeddedRuntime
from streams.log import EventLog
from streams.runner import Runner
from streams.topics import TOPICS, diversion_topics

CREATED = 1_760_000_000
ALL_TOPICS = (*TOPICS, *diversion_topics(["ledger"]))


def charge_event(number: int, **changes: Any) -> dict[str, Any]:
    """`charge.succeeded` of a charge of its own. Changes go into the event."""
    charge = {
        "id": f"ch_{number:06d}",
        "object": "charge",
        "amount": 1000 + number,
        "amount_captured": 1000 + number,
        "amount_refunded": 0,
        "captured": True,
        "created": CREATED + number,
        "currency": "eur",
        "customer": f"cus_{number % 7}",
        "disputed": False,
        "livemode": True,
        "paid": True,
        "refunded": False,
        "status": "succeeded",
    }
    return {
        "id": f"evt_{number:06d}",
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": CREATED + number,
        "data": {"object": charge},
        "livemode": True,
        "pending_webhooks": 1,
        "type": "charge.succeeded",
        **changes,
    }


def line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


async def stage_runs(log: EventLog) -> None:
    """Until the ledger stage has seen everything that is on the log."""
    async with EmbeddedRuntime(log, [Runner(ledger, {}, topics=ALL_TOPICS)]) as runtime:
        while (await runtime.lag())["ledger"]:
            await asyncio.sleep(0.01)
