"""The embedded runtime killed at every point: what comes out, and what is paid for, stays the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.memo import MemoryMemo
from adapters.metering import current_meter
from adapters.ports import Memo, ModelAnswer
from processors.stage import Stage, stage
from schemas.base import EventData
from schemas.envelope import Event, derived_id
from schemas.errors import RetryLater
from streams.embedded import EmbeddedRuntime
from streams.memory_log import MemoryEventLog
from streams.stage_loop import Limits
from tests.streams.stage_kit import (
    KIT_TOPICS,
    QUICK,
    Chaos,
    Ping,
    Pong,
    all_of,
    broken,
    data_of,
    expected,
    idle,
    ids_on,
    kill,
    ping,
    runner_of,
    running,
)


def paying(memo: Memo, paid: list[int], *, stall: Callable[[str, int], bool] = lambda point, n: False) -> Stage:
    """A stage that asks a model once per event; `stall` freezes it before or after the model's answer."""

    @stage("pay", consumes=[Ping], emits=[Pong], timeout=30, retries=1)
    async def pay(event: Event[Ping], *, memo: Memo) -> Sequence[EventData]:
        number = event.data.number

        async def perform() -> ModelAnswer:
            paid.append(number)
            return ModelAnswer(body=f"answer {number}", input_tokens=1)

        for point in ("before", "after"):
            if stall(point, number):
                await asyncio.Event().wait()
            if point == "before":
                said = await memo.call(model="m", parameters={}, prompt=b"%d" % number, perform=perform)
        assert current_meter().delivery
        return [Pong(number=number, text=said.body)]

    return pay


async def crash_and_recover(crash_at: int, written: bool, point: str | None, number: int) -> None:
    log, memo, paid = MemoryEventLog(KIT_TOPICS), MemoryMemo(), []
    await log.append([ping(n, f"key-{n % 5}") for n in range(12)])
    chaos = Chaos(log, crash_at, written=written)

    def stall(where: str, n: int) -> bool:
        if where == point and n == number:
            chaos.crashed.set()
            return True
        return False

    runtime = EmbeddedRuntime(
        chaos,
        [runner_of(paying(memo, paid, stall=stall), ports={"memo": memo})],
        backoff=QUICK,
        limits={"pay": Limits(append=3, turn=2)},
    )
    runtime.start()
    async with asyncio.timeout(10):
        idling = asyncio.create_task(runtime.wait_idle())
        crashing = asyncio.create_task(chaos.crashed.wait())
        await asyncio.wait([idling, crashing], return_when=asyncio.FIRST_COMPLETED)
        idling.cancel()
        crashing.cancel()
        await asyncio.gather(idling, crashing, return_exceptions=True)
    await kill(runtime)
    async with running(log, runner_of(paying(memo, paid), ports={"memo": memo})) as again:
        await idle(again)
    assert await ids_on(log, "pongs") == expected(range(12), "pay")
    assert sorted(paid) == list(range(12))
    bills = [data_of(record).models[0] for record in await all_of(log, "costs")]
    assert sum(not use.memoized for use in bills) == len(bills) == 12


@pytest.mark.parametrize("written", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("crash_at", range(5))
async def test_outputs_and_bill_are_the_same_when_killed_at_an_append(crash_at: int, written: bool) -> None:
    await crash_and_recover(crash_at, written, None, 0)


@pytest.mark.parametrize("number", [0, 5, 11])
@pytest.mark.parametrize("point", ["before", "after"])
async def test_outputs_and_bill_are_the_same_when_killed_in_the_work(point: str, number: int) -> None:
    await crash_and_recover(999, False, point, number)


CHAIN = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=CHAIN, count=st.integers(1, 25), keys=st.integers(1, 6), poison=st.sets(st.integers(0, 24), max_size=4))
def test_outputs_are_the_same_whatever_the_crashes(
    schedule: list[tuple[int, bool]], count: int, keys: int, poison: set[int]
) -> None:
    async def story() -> None:
        log, memo, paid = MemoryEventLog(KIT_TOPICS), MemoryMemo(), []
        flaky: set[int] = set()

        @stage("pay", consumes=[Ping], emits=[Pong], timeout=30, retries=3)
        async def pay(event: Event[Ping], *, memo: Memo) -> Sequence[EventData]:
            number = event.data.number

            async def perform() -> ModelAnswer:
                paid.append(number)
                return ModelAnswer(body="x")

            await memo.call(model="m", parameters={}, prompt=b"%d" % number, perform=perform)
            if number % 4 == 1 and number not in flaky:
                flaky.add(number)
                raise RetryLater("busy", after=0.002)
            if number % 3 == 0:
                await asyncio.sleep(0)
            return [Pong(number=number), Pong(number=-number)]

        await log.append(
            [broken(f"bad-{n}", f"key-{n % keys}") if n in poison else ping(n, f"key-{n % keys}") for n in range(count)]
        )
        for crash_at, written in schedule:
            chaos = Chaos(log, crash_at, written=written)
            runtime = EmbeddedRuntime(
                chaos,
                [runner_of(pay, ports={"memo": memo}, halt_after=999)],
                backoff=QUICK,
                limits={"pay": Limits(append=2, turn=1)},
            )
            runtime.start()
            idling = asyncio.create_task(runtime.wait_idle())
            crashing = asyncio.create_task(chaos.crashed.wait())
            await asyncio.wait([idling, crashing], return_when=asyncio.FIRST_COMPLETED)
            for task in (idling, crashing):
                task.cancel()
            await asyncio.gather(idling, crashing, return_exceptions=True)
            await kill(runtime)
        async with running(log, runner_of(pay, ports={"memo": memo}, halt_after=999)) as runtime:
            await idle(runtime)
        good = [n for n in range(count) if n not in poison]
        assert await ids_on(log, "pongs") == sorted(derived_id(f"ping-{n}", "pay", o) for n in good for o in (0, 1))
        assert await ids_on(log, "pay.dead") == sorted(f"bad-{n}" for n in range(count) if n in poison)
        assert sorted(paid) == good

    asyncio.run(story())
