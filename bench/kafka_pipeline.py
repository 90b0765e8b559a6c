"""The pipeline on Kafka: against the embedded runtime and Celery; projections; two workers of a stage.

One broker on this machine, ids claimed in the embedded PostgreSQL as in production. The projection goes first: a broker
compiles its code while it works, and whoever comes first would pay for it. Workers of one stage are members of its
group with two handlers each, and every partition gets as many events: what is measured is the sharing of partitions,
not this machine's cores, nor where the keys of 120 jobs happen to fall (by number: 72 to one worker, 48 to the other).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.database import Database
from bench.bare_consumer import bare_rate
from bench.five_stages import BENCH_TOPICS, STEPS, Measured, drive, five_stages, job_message, measure
from bench.pipeline import celery, install_peers
from bench.projections import FACTS, job_messages
from bench.result import Result
from deploy.kafka.cluster import KafkaCluster
from processors.stage import Stage, stage
from projections import lineage
from projections.runner import ProjectionRunner
from schemas.base import EventData
from schemas.envelope import Event
from schemas.wire import Message
from streams.diversions import Backoff
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_runtime import WORKERS, KafkaRuntime, WorkerName
from streams.kafka_topics import create
from streams.partitioner import partition_of
from streams.runner import Runner
from streams.stage_loop import Limits
from streams.topics import TOPICS, Topic, diversion_topics
from vaultra.garbage import settle_garbage_collection

JOBS = 1_000
LONE = 100
# Enough for the start of the projection's reader to weigh little.
PROJECTED_JOBS = 6_000
HANDLED = 120
HANDLER = 0.2
_BACKOFF = Backoff(steps=(1.0, 2.0))


@asynccontextmanager
async def _log(cluster: KafkaCluster, prefix: str, topics: Sequence[Topic]) -> AsyncIterator[Any]:
    """(log, connection, database) on topics of their own."""
    connection = KafkaConnection(cluster.bootstrap_servers, prefix=prefix)
    await create(connection, topics)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vaultra-bench-"))
        database = await Database.open(data_dir=Path(folder))
        stack.push_async_callback(database.close)
        log = await KafkaEventLog.open(connection, topics, database=database)
        stack.push_async_callback(log.close)
        yield log, connection, database


async def _five_stages(cluster: KafkaCluster, worker: WorkerName) -> Measured:
    stages, topics = five_stages()
    async with _log(cluster, f"five-{worker}.", topics) as (log, connection, _):
        runners = [Runner(declared, {}, topics=topics, backoff=_BACKOFF) for declared in stages]
        async with KafkaRuntime(log, connection, runners, backoff=_BACKOFF, worker=worker):
            return await drive(log, JOBS, LONE)


async def _projection(cluster: KafkaCluster) -> tuple[float, float]:
    """Events/s of the lineage projection and of a bare consumer of the same topics."""
    async with _log(cluster, "projected.", TOPICS) as (log, connection, database):
        for first in range(0, PROJECTED_JOBS, 50):
            await log.append([message for number in range(first, first + 50) for message in job_messages(number)])
        settle_garbage_collection()  # as the program does, and for both alike
        latest = await log.latest(lineage.PROJECTION.topics)
        places = [f"{connection.topic(place.topic)}/{place.partition}" for place in latest]
        bare = await bare_rate(connection.bootstrap_servers, sum(latest.values()), places)
        runner = ProjectionRunner(database.pool, log, [lineage.PROJECTION])
        started = time.perf_counter()
        await runner.start()
        assert await runner.caught_up(within=120)
        seconds = time.perf_counter() - started
        await runner.stop()
    return PROJECTED_JOBS * len(FACTS) / seconds, bare


def _slow() -> Stage:
    @stage("slow", consumes=[STEPS[0]], emits=[STEPS[1]], timeout=60, retries=3)
    async def slow(event: Event[EventData]) -> Sequence[EventData]:
        await asyncio.sleep(HANDLER)
        return [STEPS[1](text="done")]

    return slow


async def _workers(cluster: KafkaCluster, count: int) -> float:
    """Seconds in which so many workers finish HANDLED events; a first lot lets them all join the group."""
    declared = _slow()
    topics = (*TOPICS, *BENCH_TOPICS[:2], *diversion_topics([declared.name]))
    async with _log(cluster, f"workers{count}.", topics) as (log, connection, _), AsyncExitStack() as stack:
        for _number in range(count):
            runner = Runner(declared, {}, topics=topics, backoff=_BACKOFF)
            limits = {declared.name: Limits(concurrency=2)}
            runtime = KafkaRuntime(log, connection, [runner], backoff=_BACKOFF, limits=limits)
            await stack.enter_async_context(runtime)
        await _handled(log, "joining")
        started = time.perf_counter()
        await _handled(log, "counted")
        return time.perf_counter() - started


async def _handled(log: Any, run: str) -> None:
    positions = dict(await log.latest([BENCH_TOPICS[1].name]))
    await log.append(_spread(run))
    left = HANDLED
    while left > 0:
        records = await log.read(positions, wait=30.0)
        positions |= {(record.topic, record.partition): record.offset + 1 for record in records}
        left -= len(records)


def _spread(run: str) -> list[Message]:
    """The events that start HANDLED jobs, as many of them on each partition."""
    partitions = BENCH_TOPICS[0].partitions
    room = [HANDLED // partitions] * partitions
    spread: list[Message] = []
    number = 0
    while any(room):
        message = job_message(number, run)
        partition = partition_of(message.key, partitions)
        if room[partition]:
            room[partition] -= 1
            spread.append(message)
        number += 1
    return spread


async def _measured() -> tuple[Measured, dict[WorkerName, Measured], tuple[float, float], list[float]]:
    embedded = await measure(JOBS, LONE)
    with tempfile.TemporaryDirectory(prefix="vaultra-bench-kafka-") as folder:
        async with KafkaCluster.running(Path(folder)) as cluster:
            projected = await _projection(cluster)
            kafka = {worker: await _five_stages(cluster, worker) for worker in WORKERS}
            workers = [await _workers(cluster, count) for count in (1, 2)]
    return embedded, kafka, projected, workers


def _against(worker: WorkerName, kafka: Measured, embedded: Measured, chain: dict[str, float]) -> list[Result]:
    slower = kafka.p50 / embedded.p50
    faster = kafka.jobs_per_second / chain["jobs_per_second"]
    return [
        Result(
            f"Kafka ({worker}): one job through 5 stages, p50 ÷ embedded's",
            round(slower, 2),
            3.0,
            "×",
            slower <= 3.0,
            f"{kafka.p50 * 1000:.1f} ms; embedded {embedded.p50 * 1000:.1f} ms",
        ),
        Result(
            f"Kafka ({worker}): jobs/s through 5 stages ÷ Celery's",
            round(faster, 1),
            5.0,
            "×",
            faster >= 5.0,
            f"{kafka.jobs_per_second:.0f}/s; Celery {chain['jobs_per_second']:.0f}/s",
        ),
    ]


def run() -> list[Result]:
    chain = celery(install_peers())
    embedded, kafka, (projected, bare), (one, two) = asyncio.run(_measured())
    return [
        *(row for worker, measured in kafka.items() for row in _against(worker, measured, embedded, chain)),
        Result(
            "Kafka: lineage projection ÷ bare consumer",
            round(projected / bare, 2),
            0.5,
            "×",
            projected >= 0.5 * bare,
            f"{projected:.0f} events/s; bare aiokafka {bare:.0f} events/s",
        ),
        Result(
            "Kafka: two workers' time ÷ one's",
            round(two / one, 2),
            0.6,
            "×",
            two <= 0.6 * one,
            f"{two:.1f} s; {one:.1f} s with one; handlers of {HANDLER:g} s, two a worker",
        ),
    ]


if __name__ == "__main__":
    from bench.__main__ import main

    sys.exit(main(["kafka_pipeline"]))
