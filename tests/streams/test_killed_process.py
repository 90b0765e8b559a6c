"""A real process, killed with SIGKILL in its work and around its commits, on PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.database import Database
from schemas.envelope import derived_id
from streams.lease import PostgresLease
from streams.postgres_log import PostgresEventLog
from tests.streams.stage_kit import all_of, ids_on, ping
from tests.streams.work_until_killed import ALL_TOPICS

PROJECT = Path(__file__).parents[2]


def work(dsn: str, calls: Path, point: str, number: int) -> str:
    """Run the process until it freezes, then kill it, or until it is idle; gives what it printed."""
    command = [sys.executable, "-m", "tests.streams.work_until_killed", dsn, str(calls), point, str(number)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            if line.strip() in ("frozen", "idle"):
                last = line.strip()
                break
        if last == "frozen":
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=30)
    assert last, errors
    return last


async def test_outputs_stand_once_and_no_model_is_asked_twice_when_a_process_is_killed(
    database: Database, tmp_path: Path
) -> None:
    log = await PostgresEventLog.open(database, ALL_TOPICS)
    await log.append([ping(n, f"key-{n % 7}") for n in range(40)])
    calls = tmp_path / "calls"
    for point, number in (("work", 5), ("before-commit", 2), ("after-commit", 1)):
        assert await asyncio.to_thread(work, database.dsn, calls, point, number) == "frozen"
    assert await asyncio.to_thread(work, database.dsn, calls, "none", 0) == "idle"
    assert await ids_on(log, "pongs") == sorted(derived_id(f"ping-{n}", "pay", 0) for n in range(40))
    assert sorted(int(line) for line in calls.read_text().split()) == list(range(40))
    assert await all_of(log, "pay.dead") == []
    assert sum((await log.positions("pay", ["pings"])).values()) == 40
    await log.close()


async def test_second_process_waits_for_the_group_until_the_first_lets_go(database: Database) -> None:
    first, second = PostgresLease(database, poll=0.01), PostgresLease(database, poll=0.01)
    await first.acquire("vision")
    await second.acquire("critic")
    waiting = asyncio.create_task(second.acquire("vision"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.shield(waiting)
    assert first.held("vision")
    assert not second.held("vision")
    await first.release("vision")
    await waiting
    assert second.held("vision")
    await first.close()
    await second.close()
    assert not second.held("vision")


async def test_lease_is_lost_and_free_for_others_when_its_connection_is_cut(database: Database) -> None:
    first, second = PostgresLease(database, poll=0.01), PostgresLease(database, poll=0.01)
    await first.acquire("vision")
    admin = await database.connect(role="none")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await admin.close()
    await second.acquire("vision")
    assert second.held("vision")
    async with asyncio.timeout(5):
        while first.held("vision"):
            await asyncio.sleep(0.001)
    await first.close()
    await second.close()
