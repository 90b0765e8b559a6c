"""A worker process for the tests: `python -m tests.kafka.worker CONFIG`, CONFIG being a `WorkerConfig` as JSON.

Ends with 0 after SIGTERM, with 70 when it cannot go on.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import structlog

from adapters.database import Database
from schemas.base import Value
from streams.diversions import Backoff
from streams.kafka_connection import KafkaConnection
from streams.kafka_group import GroupTimes
from streams.kafka_log import KafkaEventLog
from streams.kafka_runtime import KafkaRuntime, WorkerName
from streams.runner import Runner
from tests.kafka.stages import SHAPES, Behaviour, DeadlyLog, make_stages
from vaultra.serving import stop_signals


class WorkerConfig(Value):
    """Which cluster, which stages, how long things may take (seconds), and how `answer` behaves."""

    bootstrap_servers: str
    prefix: str
    behaviour: Behaviour
    stages: tuple[str, ...] = ("answer", "tell")
    session: float = 2.0
    rebalance: float = 8.0
    commit: float = 0.2
    grace: float = 3.0
    handler: float = 30.0
    halt_after: int = 20
    worker: WorkerName = "faust"
    steps: tuple[float, float] = (0.5, 1.0)
    # A static member's name; none without.
    instance: str = ""
    # Which of SHAPES its topics are declared in.
    shape: str = "declared"
    # After so long without room for another record aiokafka leaves its group; the product's is never.
    poll: float = GroupTimes().poll
    # What the watchdog waits beyond a group's own limits.
    patience: float = GroupTimes().patience
    # Where ids are claimed, as in production; none without.
    database: str = ""


async def work(config: WorkerConfig) -> int:
    connection = KafkaConnection(config.bootstrap_servers, prefix=config.prefix)
    claims = await Database.open(url=config.database) if config.database else None
    topics = SHAPES[config.shape]
    log = DeadlyLog(await KafkaEventLog.open(connection, topics, database=claims), config.behaviour)
    backoff = Backoff(pause=0.01, steps=config.steps)
    runners = [
        Runner(declared, {}, topics=topics, backoff=backoff, halt_after=config.halt_after)
        for declared in make_stages(config.behaviour, config.handler)
        if declared.name in config.stages
    ]
    times = replace(
        GroupTimes.of_session(config.session, config.rebalance, commit=config.commit),
        poll=config.poll,
        patience=config.patience,
    )
    runtime = KafkaRuntime(
        log, connection, runners, backoff=backoff, times=times, instance=config.instance, worker=config.worker
    )
    stop = asyncio.Event()
    with stop_signals(stop.set):
        runtime.start()
        config.behaviour.note("started")
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([stopping, runtime.failure], return_when=asyncio.FIRST_COMPLETED)
        code = 0 if stopping.done() else 70
        stopping.cancel()
        await runtime.stop(config.grace)
        await log.close()
        if claims is not None:
            await claims.close()
    return code


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(asyncio.run(work(WorkerConfig.model_validate_json(sys.argv[1]))))
