"""One embedded PostgreSQL for the whole run; every test that asks gets a fresh database on it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from adapters.database import Database, migrate
from adapters.postgres_server import PostgresServer
from sandbox.root_tree import RootTree, build_root
from schemas.errors import SandboxUnavailable

pytest.register_assert_rewrite("tests.contracts")
FreshDatabase = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
async def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """The session's server, with one migrated database to copy."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    await server.start()
    await _execute(server, "CREATE DATABASE migrated")
    await migrate(server.dsn("migrated"))
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a migrated, stopped database, to be copied."""
    data_dir = tmp_path_factory.mktemp("cluster")
    await (await Database.open(data_dir=data_dir)).close()
    return data_dir


@pytest.fixture
def data_dir(postgres_cluster: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own, for tests that stop or kill the server. Copied: making one is slow."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", postgres_cluster, copy], check=True)
    return copy


@pytest.fixture(scope="session")
def sandbox_data(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.cache.mkdir("sandbox"))


@pytest.fixture(scope="session")
def root_tree(sandbox_data: Path) -> RootTree:
    """One sandbox root for all runs of the tests: kept in pytest's cache, as it takes seconds to build."""
    try:
        return build_root(sandbox_data)
    except SandboxUnavailable as error:
        pytest.skip(f"no root tree here: {error}")


@pytest.fixture(scope="session")
def fresh_database(postgres_server: PostgresServer) -> FreshDatabase:
    """Makes databases: `async with fresh_database() as url`, or from another template than the migrated one."""
    numbers = count()

    @asynccontextmanager
    async def fresh(template: str = "migrated") -> AsyncIterator[str]:
        name = f"test_{next(numbers)}"
        await _execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template}")
        yield postgres_server.dsn(name)
        await _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")

    return fresh


@pytest.fixture
async def database_url(fresh_database: FreshDatabase) -> AsyncIterator[str]:
    """URL of a fresh, migrated database."""
    async with fresh_database() as url:
        yield url


@pytest.fixture
async def empty_database_url(fresh_database: FreshDatabase) -> AsyncIterator[str]:
    """URL of a fresh database without any schema of ours."""
    async with fresh_database("template1") as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database: pool as the program's own role, migrated."""
    opened = await Database.open(url=database_url)
    yield opened
    await opened.close()


@pytest.fixture
def shared_data() -> Path:
    """The folder of shared sample data next to the project; the test is skipped where it is absent."""
    path = Path(__file__).parents[1].parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("no shared sample data next to the project")
    return path


async def _execute(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
