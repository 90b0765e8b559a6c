"""Five stages that do nothing but pass an event on, here on the embedded log: the pipeline's own overhead."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from pydantic import create_model

from adapters.database import Database
from processors.stage import Stage, stage
from schemas.base import EventData
from schemas.envelope import Event
from schemas.registry import register
from schemas.wire import Message, encode
from streams.embedded import EmbeddedRuntime
from streams.lease import PostgresLease
from streams.log import EventLog
from streams.postgres_log import PostgresEventLog
from streams.runner import Runner
from streams.topics import SLOW_STAGE_PARTITIONS, TOPICS, Topic, diversion_topics

HOPS = 5
_PAYLOAD = "a question about the figures of a document, of ordinary length"


def _step(number: int) -> type[EventData]:
    data = create_model(f"Step{number}", __base__=EventData, text=(str, ...))
    data.TYPE = f"vaultra.bench.step{number}.v1"
    return data


# The data of the events before, between and after the stages.
STEPS = [_step(number) for number in range(HOPS + 1)]
BENCH_TOPICS = tuple(Topic(f"bench-{number}", SLOW_STAGE_PARTITIONS, (step,)) for number, step in enumerate(STEPS))


def _passing_on(number: int) -> Stage:
    after = STEPS[number + 1]

    @stage(f"step{number}", consumes=[STEPS[number]], emits=[after], timeout=60, retries=3)
    async def pass_on(event: Event[EventData]) -> Sequence[EventData]:
        return [after(text=event.data.text)]

    return pass_on


def job_message(number: int, run: str) -> Message:
    """The event that starts one job."""
    key = f"{run}-{number}"
    return encode(
        Event(
            id=key,
            source="bench",
            subject=key,
            time=datetime.now(UTC),
            correlationid=key,
            causationid=None,
            tenantid="local",
            partitionkey=key,
            traceparent=None,
            data=STEPS[0](text=_PAYLOAD),
        ),
        BENCH_TOPICS[0].name,
    )


class _Finish:
    """Reads the last topic as a client would."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._next: dict = {}

    async def begin(self) -> None:
        self._next = dict(await self._log.latest([BENCH_TOPICS[-1].name]))

    async def arrivals(self, count: int) -> None:
        """Return when `count` more jobs are through."""
        while count > 0:
            records = await self._log.read(self._next, limit=1000, wait=30.0)
            count -= len(records)
            for record in records:
                self._next[(record.topic, record.partition)] = record.offset + 1


@dataclass(frozen=True, slots=True)
class Measured:
    """Median seconds of one lone job, and median jobs/s of three bursts appended while the stages run."""

    p50: float
    jobs_per_second: float


async def measure(jobs: int, lone: int) -> Measured:
    """Run the stages on a fresh database and send `lone` jobs one by one, then three bursts of `jobs`."""
    stages, topics = five_stages()
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-") as folder:
        database = await Database.open(data_dir=Path(folder))
        try:
            assert await database.pool.fetchval("SHOW fsync") == "on"
            assert await database.pool.fetchval("SHOW synchronous_commit") == "on"
            log = await PostgresEventLog.open(database, topics)
            runners = [Runner(declared, {}, topics=topics) for declared in stages]
            async with EmbeddedRuntime(log, runners, lease=PostgresLease(database)):
                measured = await drive(log, jobs, lone)
            await log.close()
            return measured
        finally:
            await database.close()


def five_stages() -> tuple[list[Stage], tuple[Topic, ...]]:
    """The stages, and every topic of a log for them."""
    register(*STEPS)
    stages = [_passing_on(number) for number in range(HOPS)]
    return stages, (*TOPICS, *BENCH_TOPICS, *diversion_topics(declared.name for declared in stages))


async def drive(log: EventLog, jobs: int, lone: int) -> Measured:
    """Send jobs through stages that run on this log."""
    finish = _Finish(log)
    await finish.begin()
    await _burst(log, finish, 500, "warm")
    seconds = [await _lone(log, finish, number) for number in range(lone)]
    rates = [await _burst(log, finish, jobs, f"burst{n}") for n in range(3)]
    return Measured(median(seconds), median(rates))


async def _lone(log: EventLog, finish: _Finish, number: int) -> float:
    started = time.perf_counter()
    await log.append([job_message(number, "lone")])
    await finish.arrivals(1)
    return time.perf_counter() - started


async def _burst(log: EventLog, finish: _Finish, jobs: int, run: str) -> float:
    started = time.perf_counter()
    arriving = asyncio.create_task(finish.arrivals(jobs))
    for first in range(0, jobs, 250):
        await log.append([job_message(number, run) for number in range(first, min(first + 250, jobs))])
    await arriving
    return jobs / (time.perf_counter() - started)
