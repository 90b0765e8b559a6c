"""PostgreSQL by URL, on servers of other versions with passwords: everything works there that works embedded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from adapters import database as database_module
from adapters.api_keys import create_key, tenant_of
from adapters.database import APP_ROLE, Database
from adapters.memo import PostgresMemo
from adapters.ports import ModelAnswer
from projections.runner import ProjectionRunner
from schemas.errors import SetupError, Unavailable
from streams.kafka_claims import Claims, Identity
from streams.log import EventLog, TopicPartition
from streams.postgres_log import PostgresEventLog
from streams.topics import TOPICS as ALL_TOPICS
from tests.adapters.postgres_by_url import OwnPostgres, installed, own_postgres
from tests.contracts.event_log import EventLogContract
from tests.contracts.log_kit import TOPICS, OpenLog

_numbers = count()


@pytest.fixture(scope="module", params=sorted(installed()))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres(installed()[request.param], tmp_path_factory.mktemp("by-url")) as running:
        yield running


async def _as_admin(server: OwnPostgres, *statements: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def login(server: OwnPostgres) -> AsyncIterator[str]:
    """A login without rights beyond those a test gives it, and a database of that name which it does not own."""
    name = f"login_{next(_numbers)}"
    await _as_admin(server, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'", f"CREATE DATABASE {name}")
    yield name
    await _as_admin(
        server,
        f"DROP DATABASE {name} WITH (FORCE)",
        f"REASSIGN OWNED BY {name} TO admin",
        f"DROP OWNED BY {name}",
        f"DROP ROLE {name}",
    )


@pytest.fixture(scope="module")
async def by_url(server: OwnPostgres) -> AsyncIterator[Database]:
    """One database for the contract of the log, emptied after each test: making one takes longer than most tests."""
    name = f"log_{next(_numbers)}"
    await _as_admin(server, f"CREATE DATABASE {name}")
    opened = await Database.open(url=server.url(name))
    yield opened
    await opened.close()


class TestPostgresEventLogByUrl(EventLogContract):
    @pytest.fixture
    async def open_log(self, by_url: Database) -> AsyncIterator[OpenLog]:
        opened: list[EventLog] = []

        async def another() -> EventLog:
            opened.append(await PostgresEventLog.open(by_url, TOPICS))
            return opened[-1]

        yield another
        for log in opened:
            await log.close()
        connection = await asyncpg.connect(by_url.dsn)
        await connection.execute(
            "SET session_replication_role = replica; TRUNCATE log.events, log.positions, log.partitions, log.topics"
        )
        await connection.close()


@pytest.mark.parametrize("rights", ["", "SUPERUSER"])
async def test_everything_opens_when_the_login_owns_the_database(server: OwnPostgres, login: str, rights: str) -> None:
    await _as_admin(server, f"ALTER DATABASE {login} OWNER TO {login}", f"ALTER ROLE {login} {rights or 'INHERIT'}")
    for _ in range(2):
        database = await Database.open(url=server.url(login, login, "secret"))
        _, key = await create_key(database.pool, tenant="acme", name="", randomness=os.urandom)
        assert await tenant_of(database.pool, key) == "acme"
        log = await PostgresEventLog.open(database, ALL_TOPICS)
        projections = ProjectionRunner(database.pool, log)
        await projections.start()
        assert await projections.caught_up(within=10)
        await projections.stop()
        await log.close()
        if rights:  # without, the login works as itself, and the triggers hold
            assert await database.pool.fetchval("SELECT current_user") == APP_ROLE
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.pool.execute("DELETE FROM log.events")
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)):
            await database.pool.execute("TRUNCATE log.events")
        await database.close()


@pytest.mark.parametrize("version", sorted(installed()))
async def test_login_works_as_the_role_it_made_when_it_may_make_roles(version: str, tmp_path: Path) -> None:
    """As the logins of hosted databases: no superuser, and from 16 on not by itself a member that may switch."""
    with own_postgres(installed()[version], tmp_path / "fresh") as fresh:
        await _as_admin(
            fresh, "CREATE ROLE hosted LOGIN CREATEROLE PASSWORD 'secret'", "CREATE DATABASE d OWNER hosted"
        )
        for _ in range(2):
            database = await Database.open(url=fresh.url("d", "hosted", "secret"))
            assert await database.pool.fetchval("SELECT current_user") == APP_ROLE
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.pool.execute("DELETE FROM log.events")
            await database.close()


async def test_memo_remembers_when_opened_by_url(server: OwnPostgres, login: str) -> None:
    database = await Database.open(url=server.url(login))
    calls = 0

    async def perform() -> ModelAnswer:
        nonlocal calls
        calls += 1
        return ModelAnswer("an answer with \x00 and 漢字")

    for _ in range(2):
        memo = PostgresMemo(database.pool)
        answer = await memo.call(model="m", parameters={"t": 0}, prompt=b"p", perform=perform)
        assert answer.body == "an answer with \x00 and 漢字"
    assert calls == 1
    await database.close()


async def test_open_works_as_a_member_when_another_migrated(server: OwnPostgres, login: str) -> None:
    await (await Database.open(url=server.url(login))).close()
    with pytest.raises(SetupError, match="GRANT CREATE ON DATABASE"):
        await Database.open(url=server.url(login, login, "secret"))
    await _as_admin(server, f"GRANT {APP_ROLE} TO {login}")
    database = await Database.open(url=server.url(login, login, "secret"))
    assert await database.pool.fetchval("SELECT current_user") == APP_ROLE
    await (await PostgresEventLog.open(database, ALL_TOPICS)).close()
    await database.close()


async def test_open_says_in_one_line_what_is_wrong_when_it_is_refused(
    server: OwnPostgres, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(url: str) -> str:
        with pytest.raises((SetupError, Unavailable)) as caught:
            await Database.open(url=url)
        message = str(caught.value)
        assert "\n" not in message
        assert "secret" not in message
        return f"{type(caught.value).__name__}: {message}"

    assert "password authentication failed" in await refused(server.url(login, login, "guessed"))
    assert "may not make the schemas" in await refused(server.url(login, login, "secret"))
    assert (await refused(server.url("never_made", login, "secret"))).startswith("Unavailable")
    assert "rejected SSL" in await refused(server.url(login, login, "secret") + "?sslmode=require")
    await _as_admin(server, f"REVOKE CONNECT ON DATABASE {login} FROM public")
    assert "permission denied for database" in await refused(server.url(login, login, "secret"))
    monkeypatch.setattr(database_module, "OLDEST_SERVER", 99)
    assert "too old: 99 or newer" in await refused(server.url(login))


async def test_open_refuses_when_a_newer_version_migrated(server: OwnPostgres, login: str) -> None:
    database = await Database.open(url=server.url(login))
    await database.pool.execute("UPDATE vaultra.schema_version SET version_num = '9999'")
    await database.close()
    with pytest.raises(SetupError, match="newer version"):
        await Database.open(url=server.url(login))


async def test_open_is_unavailable_when_the_server_is_down_and_works_when_it_is_back(
    server: OwnPostgres, login: str
) -> None:
    database = await Database.open(url=server.url(login))
    server.kill()
    assert not await database.healthy()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await Database.open(url=server.url(login))
    server.start()
    assert await database.healthy()
    await database.close()


async def test_server_notices_soon_when_the_machine_of_a_claims_owner_vanished(by_url: Database) -> None:
    claims = await Claims.open(by_url, "cluster", "prefix.")
    await claims.claim({Identity("words", "local", "1"): (TopicPartition("words", 0), 0)})
    assert claims._life is not None
    names = ("idle", "interval", "count")
    idle, interval, count = [int(await claims._life.fetchval(f"SHOW tcp_keepalives_{name}")) for name in names]
    assert 0 < idle + interval * count <= 30
    await claims.close()
