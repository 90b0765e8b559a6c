"""What waits for a key of Stripe's: shown and asked for again by `vaultra stripe parked`, or at the next start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.database import Database
from adapters.stripe.signature import SigningSecret, sign
from schemas.base import EventData
from schemas.envelope import Event, about_business
from schemas.stripe_events import business_id
from schemas.stripe_followups import FollowUpDone, FollowUpParked, FollowUpRequested
from schemas.wire import decode, encode
from streams.log import EventLog, TopicPartition
from streams.postgres_log import PostgresEventLog
from streams.stripe_parked import parked
from tests.end_to_end.instance import Instance
from tests.end_to_end.test_command_line import started
from tests.stripe.small_stripe import KEY, small_stripe
from tests.stripe.stories import charge_event
from vaultra.catalogue import all_topics

TOPIC = "stripe-followups"
THIN = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.charge.updated", "created": "2026-05-04T11:59:00Z"}


@asynccontextmanager
async def log_of(data_dir: Path) -> AsyncIterator[EventLog]:
    """The log of an instance, beside it."""
    async with AsyncExitStack() as stack:
        database = await Database.open(data_dir=data_dir)
        stack.push_async_callback(database.close)
        log = await PostgresEventLog.open(database, all_topics())
        stack.push_async_callback(log.close)
        yield log


async def said(log: EventLog, kind: type[EventData], number: int) -> list[Event[Any]]:
    """So many follow-ups of a kind, as soon as they stand on the log."""
    positions = dict(await log.earliest([TOPIC]))
    found: list[Event[Any]] = []
    async with asyncio.timeout(90):
        while len(found) < number:
            for record in await log.read(positions, wait=5.0):
                positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
                event = decode(record.attributes, record.value)
                found += [event] if isinstance(event.data, kind) else []
    return found


async def command(data_dir: Path, *arguments: str) -> str:
    """What a command prints. In a thread, as this event loop answers for Stripe meanwhile."""
    process = started(data_dir, "stripe", *arguments)
    stdout, stderr = await asyncio.to_thread(process.communicate, timeout=100)
    assert (process.returncode, stderr) == (0, "")
    return stdout


async def test_parked_shows_what_waits_and_asks_again_when_told_to(data_dir: Path) -> None:
    instance = await asyncio.to_thread(Instance(data_dir, VAULTRA_STRIPE__WEBHOOK_SECRETS="whsec_ours").start)
    try:
        body = json.dumps(THIN).encode()
        signature = sign(body, SigningSecret("local", b"whsec_ours"), now=int(datetime.now(UTC).timestamp()))
        with instance.client(**{"stripe-signature": signature.decode()}) as client:
            assert client.post("/v1/webhooks/stripe", content=body).status_code == 200
        async with log_of(data_dir) as log:
            (first,) = await said(log, FollowUpParked, 1)
            shown = await command(data_dir, "parked")
            for words in ("thin", "evt_thin", "local", "VAULTRA_STRIPE__API_KEY"):
                assert words in shown
            told = json.loads(await command(data_dir, "parked", "--again", "--json"))
            assert told["asked_again"] == 1
            (listed,) = told["parked"]
            assert (listed["id"], listed["needs_key"], listed["tenant"]) == (first.id, True, "local")
            assert listed["request"]["stripe_event"] == "evt_thin"
            # There is still no key: it waits again, under another id.
            _, second = await said(log, FollowUpParked, 2)
            assert second.causationid != first.causationid
            assert [one.event.id for one in await parked(log)] == [second.id]
    finally:
        instance.stop()


def parked_request(stripe_event: str, *, needs_key: bool) -> Event[FollowUpParked]:
    request = FollowUpRequested(kind="thin", account=None, livemode=True, stripe_event=stripe_event)
    return about_business(
        business_id("local", None, True),
        FollowUpParked(request=request, reason="as things were", needs_key=needs_key),
        id=f"parked {stripe_event}",
        source="vaultra/followup/v1",
        time=datetime(2026, 5, 4, tzinfo=UTC),
        tenant="local",
    )


async def test_what_waited_for_a_key_is_asked_for_at_start_when_there_is_one(data_dir: Path) -> None:
    async with log_of(data_dir) as log, small_stripe() as stripe:
        charge = charge_event(4)["data"]["object"]
        stripe.objects["/v2/core/events/evt_thin"] = {**THIN, "related_object": {"id": "ch_4", "url": "/v1/charges/4"}}
        stripe.objects["/v1/charges/4"] = charge
        waiting = [parked_request("evt_thin", needs_key=True), parked_request("evt_gone", needs_key=False)]
        await log.append([encode(event, TOPIC) for event in waiting])
        settings = {"VAULTRA_STRIPE__API_KEY": KEY, "VAULTRA_STRIPE__API_BASE": stripe.url}
        instance = await asyncio.to_thread(Instance(data_dir, **settings).start)
        try:
            await said(log, FollowUpDone, 1)
        finally:
            await asyncio.to_thread(instance.stop)
        assert [path for path, _, _ in stripe.seen] == ["/v2/core/events/evt_thin", "/v1/charges/4"]
        (event,) = await log.read(await log.earliest(["stripe-events"]))
        assert event.attributes["id"].startswith("obs_")
        assert [one.request.stripe_event for one in await parked(log)] == ["evt_gone"]
