"""The projection runner under what can happen to it: twice, poison, two of them, the database gone, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adapters.database import CONNECTION_ERRORS, Database
from projections import builds, jobs, lineage
from projections.applying import commit, fold, moved
from projections.builds import Fenced
from projections.catalogue import PROJECTIONS
from projections.jobs import job_detail, list_jobs
from projections.projection import Column, Projection
from projections.runner import ProjectionRunner
from projections.source import LogRecord
from projections.writing import table_hash
from schemas.documents import DocumentReceived
from schemas.errors import SetupError
from schemas.registry import UPCASTERS
from schemas.wire import Message
from streams.log import EventLog, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.postgres_log import PostgresEventLog
from tests.projections.job_stories import COST, OF_JOBS, RECEIVED, Story, answered, completed, records, roundabout

JOB = jobs.PROJECTION
# Longer than an index entry may be, however compressed.
LONG = "".join(sha256(bytes([number])).hexdigest() for number in range(200))
HashOf = Callable[[Projection, Sequence[Sequence[LogRecord]]], Awaitable[str]]


def jobs_of(count: int) -> list[Message]:
    return [message for number in range(count) for message in answered(f"job-{number}").messages()]


async def everything_on(log: EventLog, projection: Projection) -> list[LogRecord]:
    positions = dict(await log.earliest(projection.topics))
    found: list[LogRecord] = []
    while more := await log.read(positions, limit=1000):
        found += more
        positions.update({TopicPartition(record.topic, record.partition): record.offset + 1 for record in more})
    return found


async def test_wait_for_returns_true_once_every_projection_has_the_event(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    story = answered("job")
    waiting = asyncio.create_task(runner.wait_for(story.events[-1].id, "local", within=10))
    await log.append(story.messages())

    assert await waiting
    detail = await job_detail(database.pool, "local", "job")
    assert detail is not None
    assert detail.status == "completed"


async def test_wait_for_returns_false_when_the_event_does_not_come_in_time(runner: ProjectionRunner) -> None:
    assert not await runner.wait_for("nothing", "local", within=0.05)
    assert not await runner.wait_for("\0", "local", within=0.05)


async def test_wait_for_sees_what_a_runner_of_another_process_applies(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    elsewhere = ProjectionRunner(database.pool, log)
    waiting = asyncio.create_task(elsewhere.wait_for("job", "local", within=10))
    await log.append(Story("job").tell(RECEIVED).messages())

    assert await waiting


async def test_watch_is_woken_when_its_job_has_news_and_not_by_others(
    log: MemoryEventLog, runner: ProjectionRunner
) -> None:
    with runner.changes("local", "job") as mine, runner.changes("other", "job") as theirs:
        await log.append(Story("job").tell(RECEIVED, COST).messages())
        assert await mine.wait(10)
        assert await runner.caught_up(within=10)
        assert not await theirs.wait(0)


async def test_runner_goes_on_where_it_was_when_started_again(log: MemoryEventLog, database: Database) -> None:
    for count in (3, 6):
        await log.append(jobs_of(count))
        again = ProjectionRunner(database.pool, log, OF_JOBS, batch=5)
        await again.start()
        assert await again.caught_up(within=10)
        assert await again.lag() == {"jobs": 0, "lineage": 0, "costs": 0}
        await again.stop()

    assert len((await list_jobs(database.pool, "local")).jobs) == 6
    await log.append(Story("late").tell(RECEIVED).messages())
    assert await again.lag() == {"jobs": 1, "lineage": 1, "costs": 0}


def poisoned(message: Message, **changes: str | None) -> Message:
    attributes = {name: value for name, value in {**message.attributes, **changes}.items() if value is not None}
    return message._replace(attributes=attributes)


async def test_runner_skips_and_records_a_record_when_it_is_poison(log: MemoryEventLog, database: Database) -> None:
    good = Story("good").tell(RECEIVED).messages()[0]

    def bad(name: str, value: bytes | None = None, **changes: str | None) -> Message:
        message = poisoned(good._replace(id=name), id=name, **changes)
        return message._replace(value=good.value if value is None else value)

    await log.append(
        [
            bad("garbage", b"\xff\xfenot json"),
            bad("a list", b"[]"),
            bad("other shape", b'{"original": 5}'),
            bad("deep", b'{"original":' * 10_000),
            bad("no time", time="yesterday"),
            bad("no zone", time="2026-11-01T12:00:00"),
            bad("no tenant", tenantid=None),
            bad(LONG),
            bad("NUL", correlationid="job\0"),
            good,
        ]
    )
    skipped: list[tuple[str, str]] = []
    runner = ProjectionRunner(
        database.pool,
        log,
        on_skip=lambda projection, record, reason: skipped.append((projection, record.attributes["id"])),
    )
    await runner.start()
    assert await runner.caught_up(within=10)
    await runner.stop()

    names = {name for projection, name in skipped if projection == "jobs"}
    expected = {"garbage", "a list", "other shape", "deep", "no time", "no zone", "no tenant", "NUL", LONG}
    assert names == expected
    rows = await database.pool.fetch("SELECT * FROM projections.skips WHERE schema LIKE 'jobs%'")
    assert len(rows) == len(names)
    assert all(row["reason"] and "not json" not in row["reason"] for row in rows)
    page = await list_jobs(database.pool, "local")
    assert [job.job_id for job in page.jobs] == ["good"]
    assert await job_detail(database.pool, "local", "good") is not None


async def test_text_that_postgresql_refuses_is_made_printable(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    hostile = RECEIVED.model_copy(update={"question": "What\0 is\u202e it? 💶"})
    await log.append(Story("job").tell(hostile, completed()).messages())
    assert await runner.caught_up(within=10)

    assert (await list_jobs(database.pool, "local")).jobs[0].question == "What\ufffd is\u202e it? 💶"
    detail = await job_detail(database.pool, "local", "job")
    assert detail is not None
    assert detail.question == hostile.question


async def test_two_runners_give_the_same_rows_when_they_work_on_one_projection(
    log: MemoryEventLog, database: Database, hash_of: HashOf
) -> None:
    await log.append(jobs_of(40))
    both = [ProjectionRunner(database.pool, log, batch=7) for _ in range(2)]
    for runner in both:
        await runner.start()
    await log.append(roundabout("job-x").messages())
    assert all([await runner.caught_up(within=30) for runner in both])
    for runner in both:
        await runner.stop()

    for projection in PROJECTIONS:
        assert await table_hash(database.pool, projection) == await hash_of(
            projection, [await everything_on(log, projection)]
        )


async def test_commit_is_fenced_and_changes_nothing_when_positions_are_stale(database: Database) -> None:
    await builds.prepare(database.pool, [JOB])
    build = await builds.with_status(database.pool, JOB, "active")
    assert build is not None
    batch = fold(JOB, [record for record in records([answered("job")]) if record.topic != "costs"])
    start = await builds.positions(database.pool, build, dict.fromkeys(batch.after, 0))
    after = moved(start, await commit(database.pool, JOB, build, batch, start))
    before = await table_hash(database.pool, JOB)

    with pytest.raises(Fenced):
        await commit(database.pool, JOB, build, batch, start)
    with pytest.raises(Fenced):
        await commit(database.pool, JOB, replace(build, status="building"), batch, after)
    assert await builds.checkpoints(database.pool, build) == after
    assert await table_hash(database.pool, JOB) == before


async def test_nothing_of_a_batch_stays_when_its_transaction_does_not_commit(database: Database) -> None:
    await builds.prepare(database.pool, [JOB])
    build = await builds.with_status(database.pool, JOB, "active")
    assert build is not None
    batch = fold(JOB, [record for record in records([answered("job")]) if record.topic != "costs"])
    start = await builds.positions(database.pool, build, dict.fromkeys(batch.after, 0))
    empty = await table_hash(database.pool, JOB)

    async def stuck(connection: asyncpg.Connection) -> None:
        await builds.lock(connection, build)
        await builds.advance(connection, build, start, batch.after)
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(asyncpg.PostgresError):
        async with database.pool.acquire() as connection, connection.transaction():
            await stuck(connection)
    assert await builds.checkpoints(database.pool, build) == start
    assert await table_hash(database.pool, JOB) == empty


class Interrupting(MemoryEventLog):
    """A log on which every third read finds all the database's connections cut."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.reads = 0

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Any]:
        self.reads += 1
        if self.reads % 3 == 0 and self.reads < 40:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            finally:
                connection.terminate()
        return await super().read(positions, limit=limit, wait=wait, values=values)


async def test_rows_are_the_same_when_connections_are_cut_again_and_again(database: Database, hash_of: HashOf) -> None:
    log = Interrupting(database.dsn)
    await log.append(jobs_of(30))
    runner = ProjectionRunner(database.pool, log, [JOB], batch=10, backoff=0.01)
    await runner.start()
    latest = await log.latest(JOB.topics)
    async with asyncio.timeout(30):
        while not await _reached(database, latest):
            await asyncio.sleep(0)
    await runner.stop()

    log.reads = 100
    assert await table_hash(database.pool, JOB) == await hash_of(JOB, [await everything_on(log, JOB)])


async def _reached(database: Database, latest: Mapping[tuple[str, int], int]) -> bool:
    try:
        build = await builds.with_status(database.pool, JOB, "active")
        assert build is not None
        done = await builds.checkpoints(database.pool, build)
    except CONNECTION_ERRORS:
        return False
    return all(done.get(place, 0) >= end for place, end in latest.items())


async def test_runner_refuses_to_start_when_code_and_tables_do_not_fit(log: MemoryEventLog, database: Database) -> None:
    wider = replace(JOB.tables[1], columns=(*JOB.tables[1].columns, Column("more", "text")))
    await builds.prepare(database.pool, [JOB])
    with pytest.raises(SetupError, match="raise it"):
        await builds.prepare(database.pool, [replace(JOB, tables=(JOB.tables[0], wider))])

    await database.pool.execute("UPDATE projections.builds SET version = 2")
    with pytest.raises(SetupError, match="run newer code"):
        await ProjectionRunner(database.pool, log, [JOB]).start()


_RUN = """
import asyncio, sys
from adapters.database import Database
from projections import jobs, lineage
from projections.runner import ProjectionRunner
from streams.postgres_log import PostgresEventLog

async def main():
    database = await Database.open(url=sys.argv[1])
    log = await PostgresEventLog.open(database)
    runner = ProjectionRunner(
        database.pool,
        log,
        [jobs.PROJECTION, lineage.PROJECTION],
        batch=5,
        on_applied=lambda *_: print("applied", flush=True),
    )
    await runner.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_rows_are_the_same_when_the_process_is_killed_in_the_middle_and_started_again(
    database: Database, hash_of: HashOf
) -> None:
    log = await PostgresEventLog.open(database)
    try:
        await log.append(jobs_of(60))
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _RUN,
                database.dsn,
                stdout=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
            assert process.stdout is not None
            for _ in range(9):
                await process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            await process.wait()
        two = [jobs.PROJECTION, lineage.PROJECTION]
        runner = ProjectionRunner(database.pool, log, two)
        behind = await runner.lag()
        assert all(0 < records_left < 480 for records_left in behind.values())
        await runner.start()
        assert await runner.caught_up(within=30)
        await runner.stop()

        for projection in two:
            everything = await everything_on(log, projection)
            assert await table_hash(database.pool, projection) == await hash_of(projection, [everything])
    finally:
        await log.close()


class Shortened(MemoryEventLog):
    """A log whose retention has removed the first two records of every upload partition."""

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        found = await super().earliest(topics)
        return {place: 2 if place.topic == "uploads" else first for place, first in found.items()}


async def test_runner_goes_on_at_the_earliest_record_when_the_log_was_shortened(database: Database) -> None:
    whole, shortened = MemoryEventLog(), Shortened()
    first = Story("job").tell(RECEIVED).messages()[0]
    uploads = [poisoned(first, id=f"upload-{number}")._replace(id=f"upload-{number}") for number in range(5)]
    await whole.append(uploads[:1])
    await shortened.append(uploads)
    for source in (whole, shortened):
        runner = ProjectionRunner(database.pool, source)
        await runner.start()
        assert await runner.caught_up(within=10)
        await runner.stop()

    rows = await database.pool.fetch("SELECT event_id FROM read.lineage ORDER BY 1")
    assert [row["event_id"] for row in rows] == ["upload-0", "upload-2", "upload-3", "upload-4"]


async def test_older_types_are_upcast_before_they_are_applied(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = "vaultra.document.received.v0"
    monkeypatch.setitem(UPCASTERS, older, (DocumentReceived.TYPE, lambda data: {**data, "question": data["asked"]}))
    message = Story("job").tell(RECEIVED.model_copy(update={"question": None})).messages()[0]
    value = message.value.replace(b'"question":null', b'"asked":"how much?"')
    await log.append([poisoned(message, type=older)._replace(value=value)])
    assert await runner.caught_up(within=10)

    detail = await job_detail(database.pool, "local", "job")
    assert detail is not None
    assert detail.question == "how much?"
    assert (await list_jobs(database.pool, "local")).jobs[0].question == "how much?"
    assert (await lineage.lineage(database.pool, "local", "job"))[0].summary["question"] == "how much?"
