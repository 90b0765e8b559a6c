"""The embedded server: started, killed, started again; as root and as an ordinary user."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from adapters.database import Database
from adapters.postgres_cluster import SERVER_USER
from adapters.postgres_server import PostgresServer
from schemas.errors import SetupError, Unavailable


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[PostgresServer]:
    opened = PostgresServer(data_dir)
    await opened.start()
    yield opened
    await opened.stop()


_HOLD = """
import asyncio, sys
from pathlib import Path
from adapters.postgres_server import PostgresServer

async def main():
    server = PostgresServer(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def hold(data_dir: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that owns the server, and the server's process id."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _HOLD, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def query(server: PostgresServer, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_server_keeps_data_safe_when_started(server: PostgresServer) -> None:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert await query(server, f"SHOW {setting}") == "on"
    assert (await query(server, "SHOW server_version")).startswith("18")
    assert await query(server, "SHOW listen_addresses") == ""


async def test_server_is_gone_when_stopped_and_starts_again(data_dir: Path) -> None:
    server = PostgresServer(data_dir)
    for _ in range(2):
        await server.start()
        pid = server.pid
        assert pid is not None
        await server.stop()
        assert not Path(f"/proc/{pid}").exists()
        assert server.pid is None


async def test_start_attaches_when_another_process_owns_the_server(data_dir: Path) -> None:
    owner, pid = hold(data_dir)
    server = PostgresServer(data_dir)
    await server.start()
    assert (server.pid, server.owned) == (pid, False)
    assert await query(server, "SELECT 1") == 1
    await server.stop()
    assert Path(f"/proc/{pid}").exists(), "who attached does not stop it"
    owner.kill()
    owner.communicate()


async def test_start_works_when_the_owner_was_killed_a_moment_ago(data_dir: Path) -> None:
    owner, pid = hold(data_dir)
    owner.kill()
    owner.communicate()
    server = PostgresServer(data_dir)
    await server.start()
    assert server.owned
    assert server.pid != pid
    assert await query(server, "SELECT 1") == 1
    await server.stop()


async def test_server_ends_by_itself_when_its_owner_is_killed(data_dir: Path) -> None:
    owner, pid = hold(data_dir)
    owner.kill()
    owner.communicate()
    async with asyncio.timeout(20):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


async def test_attached_database_takes_over_when_the_owner_is_killed(data_dir: Path) -> None:
    owner, _ = hold(data_dir)
    database = await Database.open(data_dir=data_dir)
    assert await database.healthy()
    owner.kill()
    owner.communicate()
    async with asyncio.timeout(30):
        while not await database.healthy():
            await asyncio.sleep(0.02)
    await database.close()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGINT, signal.SIGQUIT])
async def test_database_comes_back_when_its_server_dies(data_dir: Path, sig: signal.Signals) -> None:
    database = await Database.open(data_dir=data_dir)
    server = PostgresServer(data_dir)
    pid = server.pid
    assert pid is not None
    os.kill(pid, sig)
    async with asyncio.timeout(30):
        while server.pid in (None, pid) or not await database.healthy():
            await asyncio.sleep(0.02)
    await database.close()


async def test_start_works_when_the_pid_file_names_a_process_of_something_else(data_dir: Path) -> None:
    stale = data_dir / "pg" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data_dir}/pg\n1\n5432\n{data_dir}/pg\n\n  12345  99999999\nready   \n")
    shutil.chown(stale, *((SERVER_USER, SERVER_USER) if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    server = PostgresServer(data_dir)
    await server.start()
    assert await query(server, "SELECT 1") == 1
    await server.stop()


async def test_start_works_when_making_the_cluster_was_killed_half_way(tmp_path: Path) -> None:
    (tmp_path / "pg.unfinished" / "base").mkdir(parents=True)
    (tmp_path / "pg.unfinished" / "PG_VERSION").write_text("18\n")
    server = PostgresServer(tmp_path)
    await server.start()
    assert await query(server, "SELECT 1") == 1
    await server.stop()


async def test_start_works_when_the_path_is_too_long_for_a_socket(postgres_cluster: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", postgres_cluster, deep], check=True)
    server = PostgresServer(deep)
    await server.start()
    assert await query(server, "SELECT 1") == 1
    other = PostgresServer(deep)
    await other.start()
    assert await query(other, "SELECT 1") == 1
    await server.stop()


async def test_start_refuses_when_the_directory_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "notes.txt").write_text("mine")
    with pytest.raises(SetupError, match="holds no database"):
        await PostgresServer(tmp_path).start()


async def test_start_refuses_when_the_cluster_is_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("16\n")
    with pytest.raises(SetupError, match="made by PostgreSQL 16, this is 18"):
        await PostgresServer(tmp_path).start()


async def test_start_refuses_when_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SetupError, match="cannot create the data directory"):
        await PostgresServer(tmp_path / "data").start()


async def test_start_tells_what_postgresql_said_when_it_does_not_come_up(data_dir: Path) -> None:
    (data_dir / "pg" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    server = PostgresServer(data_dir)
    with pytest.raises(Unavailable, match="no_such_setting"):
        await server.start()
    await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_server_runs_when_we_are_an_ordinary_user(postgres_cluster: Path, tmp_path: Path) -> None:
    """As `nobody`, with a data directory of its own and no rights on anybody else's."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    shutil.chown(home, "nobody")
    for parent in home.parents:
        parent.chmod(parent.stat().st_mode | 0o001)
    # The interpreter itself may lie where nobody may go: leave root's rights when everything is imported.
    become = (
        "import concurrent.futures.thread, os, pwd\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(pwd.getpwnam('nobody').pw_uid)"
    )
    script = _HOLD.replace("await asyncio.Event().wait()", "await server.stop()")
    script = script.replace("asyncio.run(main())", f"{become}\nasyncio.run(main())")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(home / "data")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0
    assert (home / "data" / "pg").owner() == "nobody"
