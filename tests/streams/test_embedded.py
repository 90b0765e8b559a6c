"""The embedded runtime: order, commits, retries, halting, stopping."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import RetryLater, SetupError, Unavailable
from streams.embedded import EmbeddedRuntime
from streams.log import TopicPartition
from streams.memory_log import MemoryEventLog
from streams.runner import Runner
from streams.stage_loop import Limits
from tests.streams.stage_kit import (
    KIT_TOPICS,
    QUICK,
    Lost,
    Ping,
    Pong,
    all_of,
    answer,
    broken,
    data_of,
    expected,
    idle,
    ids_on,
    ping,
    runner_of,
    running,
)


@pytest.fixture
def log() -> MemoryEventLog:
    return MemoryEventLog(KIT_TOPICS)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def pong(event: Event[Ping]) -> Sequence[EventData]:
    return [Pong(number=event.data.number)]


async def test_every_event_is_answered_once_when_many_stand_on_the_log(log: MemoryEventLog) -> None:
    await log.append([ping(n) for n in range(300)])
    async with running(log, runner_of(answer(pong))) as runtime:
        await log.append([ping(n) for n in range(200, 400)])
        await idle(runtime)
        assert await runtime.lag() == {"answer": 0}
    assert await ids_on(log, "pongs") == expected(range(400))
    assert await log.positions("answer", ["pings"]) == await log.latest(["pings"])


async def test_nothing_is_done_again_when_the_runtime_starts_again(log: MemoryEventLog) -> None:
    calls: list[int] = []

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        calls.append(event.data.number)
        return await pong(event)

    for _ in range(2):
        async with running(log, runner_of(answer(work))) as runtime:
            await log.append([ping(n) for n in range(20)])
            await idle(runtime)
    assert sorted(calls) == list(range(20))


async def test_one_event_of_a_partition_is_handled_at_a_time_and_in_order(log: MemoryEventLog) -> None:
    active: dict[str, int] = defaultdict(int)
    seen: dict[str, list[int]] = defaultdict(list)
    most = 0

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        nonlocal most
        key = event.partitionkey
        active[key] += 1
        most = max(most, active[key])
        await asyncio.sleep(0.0005 * (event.data.number % 3))
        seen[key].append(event.data.number)
        active[key] -= 1
        return await pong(event)

    await log.append([ping(n, f"key-{n % 7}") for n in range(140)])
    async with running(log, runner_of(answer(work))) as runtime:
        await idle(runtime)
    assert most == 1
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    outputs = defaultdict(list)
    for record in await all_of(log, "pongs"):
        outputs[record.key].append(data_of(record).number)
    assert outputs == seen


async def test_handlers_at_once_stay_within_the_limit(log: MemoryEventLog) -> None:
    active = most = 0

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.001)
        active -= 1
        return []

    await log.append([ping(n) for n in range(40)])
    async with running(log, runner_of(answer(work)), limits={"answer": Limits(concurrency=2)}) as runtime:
        await idle(runtime)
    assert most == 2


async def test_other_partitions_go_on_when_one_event_is_slow(log: MemoryEventLog) -> None:
    release = asyncio.Event()

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        if event.data.number == 0:
            await release.wait()
        return await pong(event)

    first = (await log.append([ping(0)]))[0]
    await log.append([ping(n) for n in range(1, 60)])
    slow = TopicPartition("pings", first.partition)
    ends = await log.latest(["pings"])
    async with running(log, runner_of(answer(work)), limits={"answer": Limits(lane_buffer=2)}) as runtime:
        async with asyncio.timeout(20):
            while {**await log.positions("answer", ["pings"]), slow: 0} != {**ends, slow: 0}:
                await asyncio.sleep(0.001)
        assert (await log.positions("answer", ["pings"]))[slow] == 0
        release.set()
        await idle(runtime)
    assert await ids_on(log, "pongs") == expected(range(60))


async def test_good_events_pass_when_poison_stands_between_them(log: MemoryEventLog) -> None:
    await log.append([ping(0, "k"), broken("b1", "k"), ping(1, "k"), broken("b2", "k"), ping(2, "k")])
    async with running(log, runner_of(answer(pong))) as runtime:
        await idle(runtime)
    assert await ids_on(log, "pongs") == expected(range(3))
    assert await ids_on(log, "answer.dead") == ["b1", "b2"]


async def test_retry_succeeds_when_it_is_due(log: MemoryEventLog) -> None:
    calls: dict[int, int] = defaultdict(int)

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        calls[event.data.number] += 1
        if calls[event.data.number] < 4:
            raise RetryLater("busy")
        return await pong(event)

    await log.append([ping(n) for n in range(10)])
    async with running(log, runner_of(answer(work, retries=3))) as runtime:
        await idle(runtime)
    assert await ids_on(log, "pongs") == expected(range(10))
    assert set(calls.values()) == {4}
    assert len(await all_of(log, "answer.retry")) == 20
    assert await all_of(log, "answer.dead") == []


async def test_retry_waits_for_its_time_and_survives_a_restart(log: MemoryEventLog) -> None:
    asked: list[float] = []

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        asked.append(time.monotonic())
        if len(asked) == 1:
            raise RetryLater("busy", after=0.3)
        return await pong(event)

    def runner() -> Runner:
        return runner_of(answer(work), clock=lambda: datetime.now(UTC))

    await log.append([ping(0)])
    first = EmbeddedRuntime(log, [runner()], backoff=QUICK)
    first.start()
    while not await all_of(log, "answer.retry"):
        await asyncio.sleep(0.001)
    await first.stop()
    assert len(asked) == 1
    async with running(log, runner()) as runtime:
        await idle(runtime)
    assert asked[1] - asked[0] >= 0.3
    assert await ids_on(log, "pongs") == expected([0])


async def test_position_on_the_retry_topic_waits_for_the_oldest_when_a_later_one_is_done(log: MemoryEventLog) -> None:
    failed: set[int] = set()

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        if event.data.number not in failed:
            failed.add(event.data.number)
            raise RetryLater("busy", after=600.0 if event.data.number == 0 else 1.0)
        return await pong(event)

    place = TopicPartition("answer.retry", 0)
    start = datetime.now(UTC)
    late = timedelta(0)
    runtime = EmbeddedRuntime(log, [runner_of(answer(work), clock=lambda: start)], backoff=QUICK)
    await log.append([ping(0)])
    async with runtime:
        loop = runtime._loops
        await until(lambda: "answer" in loop)
        loop["answer"]._clock = lambda: start + late
        while not await all_of(log, "answer.retry"):
            await asyncio.sleep(0.001)
        await log.append([ping(1)])
        while len(await all_of(log, "answer.retry")) < 2:
            await asyncio.sleep(0.001)
        late = timedelta(seconds=5)
        loop["answer"]._retry_wanted.set()
        while not await all_of(log, "pongs"):
            await asyncio.sleep(0.001)
        assert (await log.positions("answer", ["answer.retry"]))[place] == 0
        late = timedelta(seconds=1000)
        loop["answer"]._retry_wanted.set()
        await idle(runtime)
        assert (await log.positions("answer", ["answer.retry"]))[place] == 2


async def test_stage_halts_before_the_next_event_and_goes_on_when_resumed(log: MemoryEventLog) -> None:
    mended = False

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        if not mended:
            raise ValueError("broken stage")
        return await pong(event)

    await log.append([ping(n) for n in range(50)])
    async with running(log, runner_of(answer(work), halt_after=5)) as runtime:
        await until(lambda: runtime.halted == ("answer",))
        while len(await all_of(log, "answer.dead")) < 5:
            await asyncio.sleep(0.001)
        assert (await runtime.lag())["answer"] == 45
        mended = True
        runtime.resume("answer")
        await idle(runtime)
        assert runtime.halted == ()
    dead = await ids_on(log, "answer.dead")
    assert len(dead) == 5
    answered = [
        record.attributes["causationid"]
        for record in await all_of(log, "pongs")
        if record.attributes["type"] == Pong.TYPE
    ]
    assert sorted(answered + dead) == sorted(f"ping-{n}" for n in range(50))


async def test_halted_stage_goes_on_with_the_next_event_when_the_process_starts_again(log: MemoryEventLog) -> None:
    async def fail(event: Event[Ping]) -> Sequence[EventData]:
        raise ValueError("broken stage")

    await log.append([ping(n) for n in range(30)])
    async with running(log, runner_of(answer(fail), halt_after=3)) as runtime:
        await until(lambda: runtime.halted == ("answer",))
    async with running(log, runner_of(answer(pong))) as runtime:
        await idle(runtime)
    assert len(await all_of(log, "answer.dead")) == 3
    pongs = await all_of(log, "pongs")
    assert sum(isinstance(data_of(record), Pong) for record in pongs) == 27
    assert sum(isinstance(data_of(record), Lost) for record in pongs) == 3


class Flaky(MemoryEventLog):
    """Gone for two calls out of three, while `flaky`."""

    turn = 0
    flaky = False

    def _check_open(self) -> None:
        self.turn += 1
        if self.flaky and self.turn % 3:
            raise Unavailable("gone")


async def test_nothing_is_lost_or_dead_when_the_log_comes_and_goes() -> None:
    log = Flaky(KIT_TOPICS)
    await log.append([ping(n) for n in range(50)])
    log.flaky = True
    async with running(log, runner_of(answer(pong)), limits={"answer": Limits(append=2)}) as runtime:
        await until(lambda: log.turn > 60)
        log.flaky = False
        await idle(runtime)
    assert await ids_on(log, "pongs") == expected(range(50))
    assert await all_of(log, "answer.dead") == []


class Picky(MemoryEventLog):
    """Refuses one output for good, as a database does that cannot store it."""

    async def append(self, messages, *, advance=None):
        for message in messages:
            if message.attributes.get("causationid") == "ping-13" and message.topic == "pongs":
                raise SetupError("this one cannot be stored")
        return await super().append(messages, advance=advance)


async def test_only_the_unwritable_delivery_is_dead_when_the_log_refuses_its_outputs() -> None:
    log = Picky(KIT_TOPICS)
    await log.append([ping(n, "k") for n in range(20)])
    async with running(log, runner_of(answer(pong))) as runtime:
        await idle(runtime)
    assert await ids_on(log, "pongs") == expected([n for n in range(20) if n != 13])
    assert await ids_on(log, "answer.dead") == ["ping-13"]


async def test_stop_finishes_what_is_being_handled_within_the_grace(log: MemoryEventLog) -> None:
    begun = asyncio.Event()

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        begun.set()
        await asyncio.sleep(0.05)
        return await pong(event)

    await log.append([ping(n, "k") for n in range(5)])
    async with running(log, runner_of(answer(work))):
        await begun.wait()
    assert await ids_on(log, "pongs") == expected([0])


async def test_stop_gives_back_what_takes_longer_than_the_grace(log: MemoryEventLog) -> None:
    begun = asyncio.Event()
    stubborn = asyncio.Event()

    async def work(event: Event[Ping]) -> Sequence[EventData]:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await stubborn.wait()  # and even its cancellation takes too long
        return []

    await log.append([ping(0)])
    runtime = EmbeddedRuntime(log, [runner_of(answer(work))], backoff=QUICK)
    runtime.start()
    await begun.wait()
    started = time.monotonic()
    await runtime.stop(grace=0.5)
    assert time.monotonic() - started < 1.5
    stubborn.set()
    assert sum((await log.positions("answer", ["pings"])).values()) == 0
    async with running(log, runner_of(answer(pong))) as again:
        await idle(again)
    assert await ids_on(log, "pongs") == expected([0])


def test_runtime_refuses_two_stages_of_one_name(log: MemoryEventLog) -> None:
    with pytest.raises(SetupError, match="twice"):
        EmbeddedRuntime(log, [runner_of(answer(pong)), runner_of(answer(pong))])
    with pytest.raises(SetupError, match="do not exist"):
        EmbeddedRuntime(log, [runner_of(answer(pong))], limits={"other": Limits()})
