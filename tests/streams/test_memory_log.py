"""What tests rely on in the log in memory, beyond the contract suite."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from schemas.errors import Unavailable
from schemas.wire import Message
from streams.log import Advance, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.topics import Topic

TOPIC = Topic("things", 3, ())


def message(id: str, key: str = "k", tenant: str = "local") -> Message:
    return Message(topic="things", key=key, id=id, tenant=tenant, attributes={"id": id}, value=b"{}")


async def test_append_writes_nothing_again_when_tenant_and_id_stand_on_the_topic() -> None:
    log = MemoryEventLog([TOPIC])
    first, again, other = await log.append([message("a"), message("a"), message("a", tenant="other")])
    assert (first.offset, first.duplicate) == (0, False)
    assert (again.offset, again.duplicate) == (0, True)
    assert (other.offset, other.duplicate) == (1, False)


async def test_read_wakes_when_something_is_appended() -> None:
    log = MemoryEventLog([TOPIC])
    reading = asyncio.create_task(log.read(await log.earliest(["things"]), wait=30))
    await asyncio.sleep(0)
    await log.append([message("a")])
    assert [record.attributes["id"] for record in await reading] == ["a"]


async def test_read_comes_back_empty_when_the_wait_is_over() -> None:
    log = MemoryEventLog([TOPIC])
    assert await log.read(await log.earliest(["things"]), wait=0.01) == []


async def test_positions_never_move_back_when_an_advance_is_late() -> None:
    log = MemoryEventLog([TOPIC])
    place = TopicPartition("things", 1)
    await log.append([], advance=Advance("g", {place: 5}))
    await log.append([], advance=Advance("g", {place: 3}))
    assert (await log.positions("g", ["things"]))[place] == 5
    assert (await log.positions("h", ["things"]))[place] == 0


async def test_at_time_finds_the_first_offset_when_records_are_older_and_newer() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    times = iter(now + timedelta(minutes=n) for n in range(3))
    log = MemoryEventLog([TOPIC], clock=lambda: next(times))
    outcomes = await log.append([message("a"), message("b"), message("c")])
    place = TopicPartition("things", outcomes[0].partition)
    assert (await log.at_time(["things"], now + timedelta(seconds=30)))[place] == 1
    assert (await log.at_time(["things"], now + timedelta(hours=1)))[place] == 3


async def test_log_is_unavailable_when_closed() -> None:
    log = MemoryEventLog([TOPIC])
    await log.close()
    assert not await log.healthy()
    with pytest.raises(Unavailable):
        await log.append([message("a")])
