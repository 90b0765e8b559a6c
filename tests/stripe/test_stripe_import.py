"""Imports in batches: the same log as the live path gives, once, whatever else comes in, killed or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.database import Database
from adapters.stripe.filing import filed, follow_up
from adapters.stripe.reading import StripeEvent, read_event
from processors.ledger.stage import ledger
from schemas.errors import Unavailable
from schemas.stripe_followups import FollowUpRequested
from schemas.wire import Message, decode, encode
from streams.log import Advance, Appended, EventLog, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.postgres_log import PostgresEventLog
from streams.runner import Runner
from streams.stripe_import import StripeImport, Tally
from tests.conftest import FreshDatabase
from tests.streams.stage_kit import all_of
from tests.stripe.stories import ALL_TOPICS, charge_event, line, stage_runs

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STORY = [charge_event(number, account=f"acct_{number % 5}") for number in range(1200)]
UNHANDLED = [charge_event(5000 + number, type="product.created", data={"object": {"id": "p"}}) for number in range(3)]
UNREADABLE = [charge_event(6000, data={"object": {"id": "ch_x", "object": "charge", "amount": "much"}})]


@pytest.fixture(params=["memory", "postgres"])
async def log(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> AsyncIterator[EventLog]:
    if request.param == "memory":
        yield MemoryEventLog(ALL_TOPICS)
        return
    async with fresh_database() as url:
        database = await Database.open(url=url)
        opened = await PostgresEventLog.open(database, ALL_TOPICS)
        yield opened
        await opened.close()
        await database.close()


def stripe(event: Mapping[str, Any]) -> StripeEvent:
    return read_event(line(dict(event)))


async def imported(log: EventLog, events: Sequence[Mapping[str, Any]], *, alone: bool = True) -> Tally:
    runner = Runner(ledger, {}, topics=ALL_TOPICS)
    importing = StripeImport(log, runner, tenant="local", endpoint="file", clock=lambda: NOW, alone=alone)
    for event in events:
        await importing.add(stripe(event))
    return await importing.finish()


async def received(log: EventLog, events: Sequence[Mapping[str, Any]]) -> None:
    """As the API puts webhooks onto the log."""
    await log.append(
        [
            encode(filed(stripe(event), tenant="local", source="api", endpoint="platform", now=NOW), "stripe-events")
            for event in events
        ]
    )


async def facts(log: EventLog) -> dict[str, str]:
    """Ids of the facts on the log, and what they say but when we came to know it."""
    found = {}
    for record in await all_of(log, "ledger"):
        data = json.loads(record.value or b"")
        data.pop("known")
        assert record.attributes["id"] not in found
        found[record.attributes["id"]] = json.dumps(data, sort_keys=True)
    return found


async def test_import_gives_the_log_that_the_live_path_gives(log: EventLog) -> None:
    tally = await imported(log, [*STORY, *UNHANDLED])
    live = MemoryEventLog(ALL_TOPICS)
    await received(live, [*STORY, *UNHANDLED])
    await stage_runs(live)
    assert await facts(log) == await facts(live)
    assert (tally.read, tally.appended, tally.duplicates, tally.facts) == (1203, 1203, 0, 1203)
    assert tally.unhandled == {"product.created": 3}


async def test_stage_passes_over_what_was_imported_when_it_runs_later(log: EventLog) -> None:
    await imported(log, STORY)
    assert sum((await log.positions("ledger", ["stripe-events"])).values()) == len(STORY)
    before = await facts(log)
    await stage_runs(log)
    assert await facts(log) == before


async def test_stage_sees_what_came_between_when_an_import_moves_its_position(log: EventLog) -> None:
    await imported(log, STORY[:600])
    await received(log, UNHANDLED)
    await imported(log, STORY[600:])
    await stage_runs(log)
    live = MemoryEventLog(ALL_TOPICS)
    await received(live, [*STORY, *UNHANDLED])
    await stage_runs(live)
    assert await facts(log) == await facts(live)


async def test_event_stands_once_when_it_is_imported_and_received_in_any_order(log: EventLog) -> None:
    await received(log, STORY[:700])
    tally = await imported(log, [*STORY, *STORY[:100]], alone=False)
    assert (tally.appended, tally.duplicates) == (500, 800)
    await received(log, STORY)
    await stage_runs(log)
    assert (await imported(log, STORY)).duplicates == len(STORY)
    assert len(await all_of(log, "stripe-events")) == len(STORY)
    assert len(await facts(log)) == len(STORY)


async def test_facts_are_those_of_the_event_that_stands_when_another_has_its_id(log: EventLog) -> None:
    await imported(log, [STORY[0]])
    refund = {"id": "re_1", "object": "refund", "amount": 1, "currency": "eur", "status": "succeeded", "created": 1}
    charge = {**STORY[1]["data"]["object"], "refunds": {"object": "list", "data": [refund]}}
    tally = await imported(log, [{**STORY[1], "id": STORY[0]["id"], "data": {"object": charge}}])
    assert (tally.duplicates, tally.facts) == (1, 0)
    assert len(await facts(log)) == 1


async def test_unreadable_event_becomes_a_dead_letter_of_the_stage(log: EventLog) -> None:
    tally = await imported(log, [*STORY[:10], *UNREADABLE, *STORY[10:20]])
    assert (tally.appended, tally.facts, sum(tally.dead.values())) == (21, 20, 1)
    await stage_runs(log)
    assert len(await all_of(log, "ledger.dead")) == 1
    assert len(await facts(log)) == 20


class BreakingLog(MemoryEventLog):
    """Takes some appends, then is gone. `after` counts appends."""

    def __init__(self, after: int) -> None:
        super().__init__(ALL_TOPICS)
        self.after = after

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        self.after -= 1
        if self.after < 0:
            raise Unavailable("gone")
        return await super().append(messages, advance=advance)


@pytest.mark.parametrize("after", range(6))
async def test_nothing_is_missing_or_double_when_an_import_breaks_off_anywhere(after: int) -> None:
    log = BreakingLog(after)
    with pytest.raises(Unavailable):
        await imported(log, STORY)
    log.after = 1000
    await imported(log, STORY)
    await stage_runs(log)
    assert len(await all_of(log, "stripe-events")) == len(STORY)
    assert len(await facts(log)) == len(STORY)


async def test_position_is_not_moved_when_a_stage_may_be_running(log: EventLog) -> None:
    await imported(log, STORY[:10], alone=False)
    positions = await log.positions("ledger", ["stripe-events"])
    assert positions == {TopicPartition("stripe-events", number): 0 for number in range(len(positions))}


async def test_object_of_a_thin_event_is_asked_for_once_however_it_came_in(log: EventLog) -> None:
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.charge.updated", "livemode": True}
    gone = charge_event(7000, type="account.application.deauthorized", data={"object": {"id": "ca_1"}})
    tally = await imported(log, [*STORY[:3], thin, gone])
    assert (tally.appended, tally.unhandled) == (5, {"v1.charge.updated": 1})
    assert (await imported(log, [thin])).duplicates == 1
    (asked,) = await all_of(log, "stripe-followups")
    event = decode(asked.attributes, asked.value)
    webhook = filed(stripe(thin), tenant="local", source="api", endpoint="platform", now=NOW)
    assert (event.id, event.causationid) == (follow_up(webhook, "thin").id, "evt_thin")
    assert event.data == FollowUpRequested(kind="thin", livemode=True, stripe_event="evt_thin")
