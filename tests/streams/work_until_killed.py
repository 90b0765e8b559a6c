"""A stage on PostgreSQL in a process of its own, frozen at one point so that a test can kill it there.

`python -m tests.streams.work_until_killed DSN CALLS POINT NUMBER`: model calls are noted as lines in the file CALLS.
POINT is `work` (frozen after the NUMBER-th answer of the model), `before-commit` or `after-commit` (at the NUMBER-th
append), or `none` (works until idle and ends). Prints `frozen` or `idle`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from adapters.database import Database
from adapters.memo import PostgresMemo
from adapters.ports import Memo, ModelAnswer
from processors.stage import stage
from schemas.base import EventData
from schemas.envelope import Event
from streams.embedded import EmbeddedRuntime
from streams.lease import PostgresLease
from streams.postgres_log import PostgresEventLog
from streams.stage_loop import Limits
from streams.topics import diversion_topics
from tests.streams.stage_kit import KIT_TOPICS, Chaos, Ping, Pong, runner_of

ALL_TOPICS = (*KIT_TOPICS, *diversion_topics(["pay"]))


async def main(dsn: str, calls: str, point: str, number: int) -> None:
    notes = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    answers = 0
    frozen = asyncio.Event()

    @stage("pay", consumes=[Ping], emits=[Pong], timeout=60, retries=1)
    async def pay(event: Event[Ping], *, memo: Memo) -> Sequence[EventData]:
        nonlocal answers

        async def perform() -> ModelAnswer:
            os.write(notes, b"%d\n" % event.data.number)
            return ModelAnswer(body="paid")

        await memo.call(model="m", parameters={}, prompt=b"%d" % event.data.number, perform=perform)
        answers += 1
        if point == "work" and answers == number:
            frozen.set()
            await asyncio.Event().wait()
        return [Pong(number=event.data.number)]

    database = await Database.open(url=dsn)
    log = Chaos(
        await PostgresEventLog.open(database, ALL_TOPICS),
        number if point.endswith("commit") else -1,
        written=point == "after-commit",
    )
    runner = runner_of(pay, ports={"memo": PostgresMemo(database.pool)})
    # One handler at a time and none during a commit: no call is under way when the freeze comes. A model that has
    # answered a process that is killed before it can write that down is asked again; nothing on our side mends that.
    limits = Limits(concurrency=1, unflushed=1, turn=2)
    runtime = EmbeddedRuntime(log, [runner], lease=PostgresLease(database), limits={"pay": limits})
    runtime.start()
    idling = asyncio.create_task(runtime.wait_idle())
    freezing = [asyncio.create_task(event.wait()) for event in (frozen, log.crashed)]
    done, _ = await asyncio.wait([idling, *freezing], return_when=asyncio.FIRST_COMPLETED)
    if idling not in done:
        print("frozen", flush=True)
        await asyncio.Event().wait()
    for task in freezing:
        task.cancel()
    await runtime.stop()
    await log.close()
    await database.close()
    print("idle", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
