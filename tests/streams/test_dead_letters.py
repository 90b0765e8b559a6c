"""Dead letters: grouped, shown, and replayed with their bytes and order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import NotFound
from streams.dead_letters import group_by_cause, list_letters, replay, show
from streams.embedded import EmbeddedRuntime
from streams.memory_log import MemoryEventLog
from tests.streams.stage_kit import (
    KIT_TOPICS,
    QUICK,
    Ping,
    Pong,
    all_of,
    answer,
    broken,
    data_of,
    ids_on,
    ping,
    runner_of,
)


class Work:
    """Fails until mended."""

    def __init__(self) -> None:
        self.mended = False
        self.order: list[int] = []

    async def __call__(self, event: Event[Ping]) -> Sequence[EventData]:
        if not self.mended:
            raise LookupError("unusable") if event.data.number % 3 else ValueError("zero")
        self.order.append(event.data.number)
        return [Pong(number=event.data.number)]


async def run_until_idle(log: MemoryEventLog, work: Work) -> None:
    runtime = EmbeddedRuntime(log, [runner_of(answer(work), halt_after=99, clock=_now)], backoff=QUICK)
    async with runtime, asyncio.timeout(20):
        await runtime.wait_idle()


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def log() -> MemoryEventLog:
    """Nine dead pings of one key, and one broken record."""
    log = MemoryEventLog(KIT_TOPICS)
    await log.append([*(ping(n, "k") for n in range(9)), broken("bad", "k")])
    await run_until_idle(log, Work())
    return log


async def test_letters_are_grouped_by_what_killed_them(log: MemoryEventLog) -> None:
    groups = await group_by_cause(log, "answer")
    assert [(group.cause.split()[0], len(group.letters)) for group in groups] == [
        ("LookupError", 6),
        ("ValueError", 3),
        ("InvalidEvent", 1),
    ]


async def test_letter_shows_the_bytes_and_the_place_of_the_original(log: MemoryEventLog) -> None:
    letter = await show(log, "answer", 9)
    (original,) = [record for record in await all_of(log, "pings") if record.attributes["id"] == "bad"]
    assert letter.value == original.value == b'{"number": '
    assert letter.record.attributes == original.attributes
    assert (letter.origin.topic, letter.origin.offset) == ("pings", original.offset)
    assert (letter.event_id, letter.job, letter.tenant) == ("bad", "k", "local")
    with pytest.raises(NotFound):
        await show(log, "answer", 10)


async def test_letters_keep_the_order_of_their_key_when_replayed(log: MemoryEventLog) -> None:
    work = Work()
    work.mended = True
    letters = await list_letters(log, "answer")
    assert await replay(log, list(reversed(letters)), _now()) == 10
    await run_until_idle(log, work)
    assert work.order == list(range(9))
    pongs = [data_of(record) for record in await all_of(log, "pongs")]
    assert [pong.number for pong in pongs if isinstance(pong, Pong)] == list(range(9))


async def test_replay_is_harmless_when_done_twice(log: MemoryEventLog) -> None:
    work = Work()
    work.mended = True
    letters = await list_letters(log, "answer")
    await replay(log, letters, _now())
    await run_until_idle(log, work)
    before = await ids_on(log, "pongs")
    assert await replay(log, letters, _now()) == 0
    await run_until_idle(log, work)
    assert await ids_on(log, "pongs") == before
    assert len(work.order) == 9


async def test_letter_that_dies_again_is_another_one_that_can_be_replayed(log: MemoryEventLog) -> None:
    await replay(log, [await show(log, "answer", 9)], _now())
    await run_until_idle(log, Work())
    again = (await list_letters(log, "answer"))[10]
    assert (again.event_id, again.value, again.origin.topic) == ("bad", b'{"number": ', "pings")
    assert await replay(log, [again], _now()) == 1
