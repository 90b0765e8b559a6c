"""Rebuilding beside the serving build: equal rows, an atomic switch, and a way back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from adapters.database import Database
from projections import builds, jobs, lineage
from projections.catalogue import PROJECTIONS
from projections.jobs import job_detail, list_jobs
from projections.projection import Column, Fact, Projection, Row, Table
from projections.rebuild import RebuildDiffers, rebuild, rollback
from projections.runner import ProjectionRunner
from projections.writing import table_hash
from schemas.errors import SetupError
from streams.memory_log import MemoryEventLog
from tests.projections.job_stories import OF_JOBS, RECEIVED, Story, answered, roundabout

EACH = pytest.mark.parametrize("projection", OF_JOBS, ids=lambda one: one.name)


async def schemas(database: Database, projection: Projection) -> dict[str, str]:
    rows = await database.pool.fetch(
        "SELECT schema, status FROM projections.builds WHERE projection = $1", projection.name
    )
    return {row["schema"]: row["status"] for row in rows}


async def fill(log: MemoryEventLog, count: int, name: str = "job") -> None:
    for number in range(count):
        await log.append((roundabout if number % 3 else answered)(f"{name}-{number}").messages())


@EACH
async def test_rebuild_gives_the_rows_that_were_there_and_serves_them(
    projection: Projection, log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await fill(log, 20)
    assert await runner.caught_up(within=10)
    before = await table_hash(database.pool, projection)
    told: list[tuple[int, int]] = []

    rebuilt = await rebuild(
        database.pool, log, projection, batch=50, on_progress=lambda done, total: told.append((done, total))
    )

    first, second = (f"{projection.name}_v{projection.version}_b{number}" for number in (1, 2))
    assert rebuilt.rows_hash == before == await table_hash(database.pool, projection)
    assert await schemas(database, projection) == {first: "previous", second: "active"}
    assert rebuilt.build.schema == second
    assert told[-1][0] == told[-1][1] == rebuilt.applied
    await log.append(Story("after").tell(*(event.data for event in answered("x").events)).messages())
    assert await runner.caught_up(within=10)
    assert await table_hash(database.pool, projection) == await table_hash(database.pool, projection, second)
    assert await table_hash(database.pool, projection) != before


async def test_rebuild_keeps_two_builds_when_done_again(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    for _ in range(3):
        await rebuild(database.pool, log, jobs.PROJECTION)

    assert await schemas(database, jobs.PROJECTION) == {"jobs_v1_b3": "previous", "jobs_v1_b4": "active"}
    existing = await database.pool.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'jobs%' ORDER BY 1")
    assert [row["nspname"] for row in existing] == ["jobs_v1_b3", "jobs_v1_b4"]


@EACH
async def test_rebuild_loses_nothing_when_events_keep_coming(
    projection: Projection, log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await fill(log, 60)
    assert await runner.caught_up(within=10)
    enough = asyncio.Event()

    async def keep_coming() -> int:
        number = 0
        while not enough.is_set():
            await log.append(answered(f"new-{number}").messages())
            assert await runner.wait_for(f"new-{number}", "local", within=10)
            number += 1
        return number

    coming = asyncio.create_task(keep_coming())
    for _ in range(3):
        assert (await rebuild(database.pool, log, projection, batch=40)).rows_hash is not None
    enough.set()
    came = await coming
    assert came > 0
    assert await runner.caught_up(within=10)

    await runner.stop()
    again = await rebuild(database.pool, log, projection)
    assert again.rows_hash == await table_hash(database.pool, projection)
    assert again.applied == sum((await log.latest(projection.topics)).values())


async def test_rollback_serves_the_build_before_with_everything_that_came_since(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await fill(log, 5)
    await rebuild(database.pool, log, jobs.PROJECTION)
    await fill(log, 5, "later")
    assert await runner.caught_up(within=10)
    expected = await table_hash(database.pool, jobs.PROJECTION)

    back = await rollback(database.pool, log, jobs.PROJECTION)

    assert back.build.schema == "jobs_v1_b1"
    assert await schemas(database, jobs.PROJECTION) == {"jobs_v1_b1": "active", "jobs_v1_b2": "previous"}
    assert await table_hash(database.pool, jobs.PROJECTION) == expected
    await log.append(Story("after").tell(RECEIVED).messages())
    assert await runner.wait_for("after", "local", within=10)
    assert await job_detail(database.pool, "local", "after") is not None
    await rollback(database.pool, log, jobs.PROJECTION)
    assert await job_detail(database.pool, "local", "after") is not None


async def test_rebuild_switches_nothing_when_rows_differ(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await fill(log, 5)
    assert await runner.caught_up(within=10)
    await database.pool.execute("UPDATE jobs_v1_b1.jobs SET question = 'damaged' WHERE job_id = 'job-3'")

    with pytest.raises(RebuildDiffers, match="jobs"):
        await rebuild(database.pool, log, jobs.PROJECTION)
    assert await schemas(database, jobs.PROJECTION) == {"jobs_v1_b1": "active"}

    await rebuild(database.pool, log, jobs.PROJECTION, accept_difference=True)
    assert "damaged" not in {job.question for job in (await list_jobs(database.pool, "local")).jobs}


async def test_rebuild_is_refused_when_it_cannot_be(log: MemoryEventLog, database: Database) -> None:
    with pytest.raises(SetupError, match="no active build"):
        await rebuild(database.pool, log, jobs.PROJECTION)
    await builds.prepare(database.pool, PROJECTIONS)
    with pytest.raises(SetupError, match="no previous build"):
        await rollback(database.pool, log, jobs.PROJECTION)

    await fill(log, 5)
    reached = asyncio.Event()
    blocked = asyncio.create_task(
        rebuild(database.pool, HeldLog(log, reached), lineage.PROJECTION, accept_difference=True)
    )
    await reached.wait()
    with pytest.raises(SetupError, match="already"):
        await rebuild(database.pool, log, lineage.PROJECTION)
    blocked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await blocked


class HeldLog(MemoryEventLog):
    """A log that says when it is first asked where it starts, and never answers."""

    def __init__(self, log: MemoryEventLog, reached: asyncio.Event) -> None:
        super().__init__()
        self.reached = reached

    async def earliest(self, topics: object) -> dict[object, int]:
        self.reached.set()
        await asyncio.Event().wait()
        return {}


async def test_left_overs_are_removed_when_a_rebuild_was_killed(log: MemoryEventLog, database: Database) -> None:
    await builds.prepare(database.pool, PROJECTIONS)
    reached = asyncio.Event()
    killed = asyncio.create_task(rebuild(database.pool, HeldLog(log, reached), jobs.PROJECTION))
    await reached.wait()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert (await schemas(database, jobs.PROJECTION))["jobs_v1_b2"] == "building"

    await rebuild(database.pool, log, jobs.PROJECTION)
    assert await schemas(database, jobs.PROJECTION) == {"jobs_v1_b1": "previous", "jobs_v1_b2": "active"}


async def test_switch_waits_for_readers_and_lets_new_ones_pass(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await fill(log, 3)
    assert await runner.caught_up(within=10)
    reader = await database.connect()
    try:
        transaction = reader.transaction()
        await transaction.start()
        count = await reader.fetchval("SELECT count(*) FROM read.jobs")
        rebuilding = asyncio.create_task(rebuild(database.pool, log, jobs.PROJECTION))
        async with asyncio.timeout(10):
            while not await database.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                await asyncio.sleep(0)
        assert len((await list_jobs(database.pool, "local")).jobs) == count
        await transaction.rollback()
        assert (await rebuilding).build.schema == "jobs_v1_b2"
    finally:
        await reader.close()


def first_fold(fact: Fact) -> Iterable[tuple[Table, Row]]:
    return ((SEEN_V1, (fact.tenant, fact.id, fact.offset)),)


def second_fold(fact: Fact) -> Iterable[tuple[Table, Row]]:
    return ((SEEN_V2, (fact.tenant, fact.id, fact.type, fact.offset)),)


_KEY = (Column("tenant", "text"), Column("event_id", "text"))
SEEN_V1 = Table("seen", (*_KEY, Column("offset", "bigint")), key=("tenant", "event_id"))
SEEN_V2 = Table("seen", (*_KEY, Column("type", "text"), Column("offset", "bigint")), key=("tenant", "event_id"))
FIRST = Projection("seen", 1, ("uploads",), (SEEN_V1,), first_fold)
SECOND = Projection("seen", 2, ("uploads",), (SEEN_V2,), second_fold)


async def test_new_version_is_built_at_start_while_the_old_one_serves_and_can_be_left_again(
    log: MemoryEventLog, database: Database
) -> None:
    await fill(log, 10)
    old = ProjectionRunner(database.pool, log, [FIRST])
    await old.start()
    assert await old.caught_up(within=10)
    await fill(log, 10, "rolling")  # the old code still runs while the new one starts

    new = ProjectionRunner(database.pool, log, [SECOND])
    await new.start()
    assert await database.pool.fetchval("SELECT count(*) FROM read.seen") >= 10
    async with asyncio.timeout(10):
        while "seen_v2_b2" not in (found := await schemas(database, SECOND)) or found["seen_v2_b2"] != "active":
            await asyncio.sleep(0)
    assert await database.pool.fetchval("SELECT count(*) FROM read.seen WHERE type LIKE '%received%'") == 20
    await log.append(Story("after").tell(RECEIVED).messages())
    assert await new.caught_up(within=10)
    assert await database.pool.fetchval("SELECT count(*) FROM read.seen") == 21
    await new.stop()
    await old.stop()

    with pytest.raises(SetupError, match="rollback"):
        await builds.prepare(database.pool, [FIRST])
    with pytest.raises(SetupError, match="version 1"):
        await rollback(database.pool, log, SECOND)
    back = await rollback(database.pool, log, FIRST)
    assert back.build.schema == "seen_v1_b1"
    assert await database.pool.fetchval("SELECT count(*) FROM read.seen") == 21
    again = ProjectionRunner(database.pool, log, [FIRST])
    await again.start()
    await log.append(Story("last").tell(RECEIVED).messages())
    assert await again.caught_up(within=10)
    assert await database.pool.fetchval("SELECT count(*) FROM read.seen") == 22
    await again.stop()


async def test_rebuild_ends_when_the_projection_is_another_one_of_the_same_name(database: Database) -> None:
    await builds.prepare(database.pool, [FIRST])
    with pytest.raises(SetupError, match="raise it"):
        await builds.prepare(database.pool, [replace(SECOND, version=1)])
