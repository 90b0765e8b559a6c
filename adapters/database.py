"""The database: the embedded PostgreSQL of a data directory, or any PostgreSQL by URL; migrated, with a pool.

Programs connect as the role `vaultra_app` where the login may become it: that role reads the log and calls its
functions, and can neither write nor change a record by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from adapters.grants import GRANTS
from adapters.postgres_server import PostgresServer
from schemas.errors import SetupError, Unavailable

APP_ROLE = "vaultra_app"
# The newest migration: a schema at it needs none, and no alembic.
HEAD = "0007"
DATABASE_NAME = "vaultra"
OLDEST_SERVER = 15
# Any fixed number: two starting programs migrate one after the other.
_MIGRATION_LOCK = 0x7661756C
_CONNECT_TIMEOUT = 10.0
_WATCH_INTERVAL = 0.5

# What asyncpg raises when the server is away, going, full or refusing writes; nothing of it is the caller's fault.
CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidCatalogNameError,
)


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turns the errors of a lost or refused connection into Unavailable: `with reaching("the memo"): ...`."""
    try:
        yield
    except CONNECTION_ERRORS as error:
        raise Unavailable(f"{what} cannot be reached: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """An error's kind and words in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class Database:
    """An open database. `pool` is an asyncpg pool as `vaultra_app`; `dsn` connects with the login's own rights."""

    def __init__(self, dsn: str, role: str | None, pool: asyncpg.Pool, server: PostgresServer | None) -> None:
        self.dsn = dsn
        self.role = role
        self.pool = pool
        self._server = server
        self._watch = asyncio.create_task(self._keep_running(server), name="database watch") if server else None

    @classmethod
    async def open(cls, *, data_dir: Path | None = None, url: str = "", pool_size: int = 8) -> Database:
        """Start or reach the database, migrate it to head and open the pool.

        `url` wins over `data_dir`. Raises SetupError for what a person must put right (no rights, wrong password, too
        old, unusable directory) and Unavailable for what may come right by itself.
        """
        if url:
            return await cls._open(url, None, pool_size)
        if data_dir is None:
            raise SetupError("a database needs data_dir or database_url")
        server = PostgresServer(data_dir)
        try:
            await server.start()
            with reaching("the embedded database"):
                await _create_database(server.dsn("postgres"), DATABASE_NAME)
            return await cls._open(server.dsn(DATABASE_NAME), server, pool_size)
        except BaseException:
            await server.stop()
            raise

    @classmethod
    async def _open(cls, dsn: str, server: PostgresServer | None, pool_size: int) -> Database:
        await migrate(dsn)
        role = await _app_role(dsn)
        with reaching("the database"):
            opened = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                timeout=_CONNECT_TIMEOUT,
                command_timeout=60.0,
                server_settings=_session(role),
            )
        return cls(dsn, role, opened, server)

    async def connect(self, **settings: str) -> asyncpg.Connection:
        """A connection of its own, outside the pool, with further server settings. Raises Unavailable."""
        with reaching("the database"):
            return await asyncpg.connect(self.dsn, timeout=_CONNECT_TIMEOUT, server_settings=self.settings(**settings))

    def settings(self, **more: str) -> dict[str, str]:
        """Server settings of this program's sessions, the role among them."""
        return {**_session(self.role), **more}

    async def healthy(self) -> bool:
        """Whether a transaction could be committed now."""
        try:
            async with asyncio.timeout(2.0):
                return bool(await self.pool.fetchval("SELECT NOT pg_is_in_recovery()"))
        except CONNECTION_ERRORS:
            return False

    async def close(self) -> None:
        """Close the pool and stop the server if this process started it."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        try:
            async with asyncio.timeout(5.0):
                await self.pool.close()
        except TimeoutError:  # somebody still holds a connection: the shutdown below ends it
            self.pool.terminate()
        if self._server is not None:
            await self._server.stop()

    async def _keep_running(self, server: PostgresServer) -> None:
        """Start the server again when it dies, and take it over when the process that owned it is gone."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            with suppress(SetupError, Unavailable):  # readiness reports it; the next round tries again
                await server.ensure()


def _session(role: str | None) -> dict[str, str]:
    settings = {"application_name": "vaultra", "timezone": "UTC", "jit": "off"}
    return settings if role is None else {**settings, "role": role}


async def migrate(dsn: str) -> None:
    """Bring the schema to head, one program at a time. Raises SetupError or Unavailable."""
    if await _stands_at_head(dsn):
        return
    # Only now, as importing alembic takes longer than most commands.
    from adapters.migrating import upgrade

    await upgrade(lambda: _login(dsn), _MIGRATION_LOCK)


async def _stands_at_head(dsn: str) -> bool:
    """Whether every migration is there; then what a copied or restored database forgets is granted again."""
    connection = await _login(dsn)
    try:
        with reaching("the database"):
            if not await connection.fetchval("SELECT to_regclass('vaultra.schema_version') IS NOT NULL"):
                return False
            if await connection.fetchval("SELECT array_agg(version_num) FROM vaultra.schema_version") != [HEAD]:
                return False
            await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
            await connection.execute(GRANTS)
            return True
    except asyncpg.InsufficientPrivilegeError:
        return False  # a migration says better what is missing
    finally:
        await connection.close()


async def _login(dsn: str) -> asyncpg.Connection:
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise SetupError(f"the database refuses the login of VAULTRA_DATABASE_URL: {describe(error)}") from error
    except ValueError as error:  # asyncpg's ClientConfigurationError among them
        raise SetupError(f"VAULTRA_DATABASE_URL is not a PostgreSQL address: {error}") from error
    except CONNECTION_ERRORS as error:
        raise Unavailable(f"the database cannot be reached: {describe(error)}") from error
    if connection.get_server_version().major < OLDEST_SERVER:
        version = connection.get_server_version().major
        await connection.close()
        raise SetupError(f"PostgreSQL {version} is too old: {OLDEST_SERVER} or newer is needed")
    return connection


async def _create_database(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):  # another was quicker
                await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def _app_role(dsn: str) -> str | None:
    """The role to work as; None where this login may not become it (the triggers on the log hold regardless)."""
    connection = await _login(dsn)
    try:
        # From 16 on, a member may be one without the right to work as the role.
        right = "SET" if connection.get_server_version().major >= 16 else "MEMBER"
        can = await connection.fetchval(
            "SELECT pg_has_role(current_user, oid, $2) FROM pg_roles WHERE rolname = $1", APP_ROLE, right
        )
        return APP_ROLE if can else None
    finally:
        await connection.close()
