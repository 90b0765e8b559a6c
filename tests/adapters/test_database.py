"""Opening a database: migrated, as the program's own role, with errors a person can act on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from adapters import database as database_module
from adapters.database import APP_ROLE, Database, migrate, reaching
from adapters.postgres_server import PostgresServer
from schemas.errors import SetupError, Unavailable


async def test_open_migrates_when_the_database_is_empty(empty_database_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(url=empty_database_url) for _ in range(4)))
    for database in opened:
        assert await database.pool.fetchval("SELECT count(*) FROM vaultra.schema_version") == 1
        assert await database.pool.fetchval("SELECT count(*) FROM log.events") == 0
        await database.close()


async def test_migrate_changes_nothing_when_repeated(database: Database) -> None:
    before = await database.pool.fetch("SELECT version_num FROM vaultra.schema_version")
    await migrate(database.dsn)
    assert await database.pool.fetch("SELECT version_num FROM vaultra.schema_version") == before


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == database_module.HEAD


async def test_open_grants_again_when_a_database_has_forgotten_it(database: Database) -> None:
    admin = await asyncpg.connect(database.dsn)
    try:
        await admin.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA vaultra FROM {APP_ROLE}")
        await migrate(database.dsn)
    finally:
        await admin.close()
    assert await database.pool.fetchval("SELECT count(*) FROM vaultra.schema_version") == 1


async def test_pool_works_as_the_program_s_role_when_open(database: Database) -> None:
    async with database.pool.acquire() as connection:
        assert await connection.fetchval("SELECT current_user") == APP_ROLE
        await connection.execute("RESET ALL")
        assert await connection.fetchval("SELECT current_user") == APP_ROLE
    connection = await database.connect(application_name="mine")
    assert await connection.fetchval("SELECT current_setting('application_name')") == "mine"
    assert await connection.fetchval("SELECT current_user") == APP_ROLE
    await connection.close()


async def test_program_may_work_in_its_own_schemas_when_open(database: Database) -> None:
    await database.pool.execute(
        "CREATE SCHEMA jobs_v2; CREATE TABLE jobs_v2.job (id text); DROP SCHEMA jobs_v2 CASCADE"
    )
    tables = await database.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'vaultra'")
    assert tables
    for (table,) in tables:
        granted = await database.pool.fetchval(
            "SELECT has_table_privilege(current_user, $1, 'SELECT, INSERT, UPDATE, DELETE')", f"vaultra.{table}"
        )
        assert granted, table


async def test_open_works_when_the_login_may_not_make_roles(postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres_server.dsn("postgres"))
    try:
        await connection.execute("CREATE ROLE plain LOGIN")
        await connection.execute("CREATE DATABASE plain_database OWNER plain")
        url = postgres_server.dsn("plain_database").replace("postgres@", "plain@")
        database = await Database.open(url=url)
        assert await database.pool.fetchval("SELECT current_user") == "plain"
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.pool.execute("TRUNCATE log.events")
        await database.close()
    finally:
        await connection.execute("DROP DATABASE IF EXISTS plain_database WITH (FORCE)")
        await connection.execute("DROP ROLE plain")
        await connection.close()


@pytest.mark.parametrize("url", ["mysql://here/db", "nonsense", "postgresql://[::1/x"])
async def test_open_refuses_when_the_url_is_none_of_postgresql(url: str) -> None:
    with pytest.raises(SetupError, match="VAULTRA_DATABASE_URL"):
        await Database.open(url=url)


async def test_open_refuses_when_the_login_is_unknown(postgres_server: PostgresServer) -> None:
    with pytest.raises(SetupError, match="refuses the login"):
        await Database.open(url=postgres_server.dsn("postgres").replace("postgres@", "nobody_known@"))


async def test_open_is_unavailable_when_nobody_listens(tmp_path: Path) -> None:
    for url in (f"postgresql://postgres@/x?host={tmp_path}", "postgresql://postgres@127.0.0.1:1/x"):
        with pytest.raises(Unavailable, match="cannot be reached"):
            await Database.open(url=url)


async def test_open_is_unavailable_when_the_database_does_not_exist(postgres_server: PostgresServer) -> None:
    with pytest.raises(Unavailable, match="no_such_database"):
        await Database.open(url=postgres_server.dsn("no_such_database"))


async def test_open_refuses_when_there_is_neither_directory_nor_url() -> None:
    with pytest.raises(SetupError, match="data_dir or database_url"):
        await Database.open()


async def test_errors_become_unavailable_when_the_connection_breaks(database: Database) -> None:
    superuser = await asyncpg.connect(database.dsn)
    async with database.pool.acquire() as connection:
        await superuser.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        with pytest.raises(Unavailable, match="the memo cannot be reached"), reaching("the memo"):
            await connection.fetchval("SELECT pg_sleep(10)")
    await superuser.close()
    assert await database.healthy()


async def test_healthy_is_false_when_closed(database_url: str) -> None:
    database = await Database.open(url=database_url)
    await database.close()
    assert not await database.healthy()
