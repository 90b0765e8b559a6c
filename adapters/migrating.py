"""Bringing a schema to head with alembic. Imported only where there is something to migrate: it is slow to load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.database import CONNECTION_ERRORS, describe
from schemas.errors import SetupError, Unavailable


async def upgrade(connect: Callable[[], Awaitable[asyncpg.Connection]], lock: int) -> None:
    """Migrate under an advisory lock, so that programs that start together do it one after the other.

    Raises SetupError or Unavailable.
    """
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)
    event.listen(engine.sync_engine, "do_execute", _execute_script)
    try:
        with _migrating():
            async with engine.connect() as connection:
                await connection.exec_driver_sql(f"SELECT pg_advisory_lock({lock})")
                await connection.commit()
                await connection.run_sync(_upgrade)
                await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({lock})")
                await connection.commit()
    finally:
        await engine.dispose()


@contextmanager
def _migrating() -> Iterator[None]:
    """Turns what a server can refuse during migrations into what a person or a supervisor can act on."""
    try:
        yield
    except CommandError as error:
        raise SetupError(f"the database was migrated by a newer version than this one: {error}") from error
    except (DBAPIError, asyncpg.PostgresError) as error:
        cause = (error.orig and error.orig.__cause__) if isinstance(error, DBAPIError) else error
        if isinstance(cause, asyncpg.InsufficientPrivilegeError):
            raise SetupError(
                f"the login of VAULTRA_DATABASE_URL may not make the schemas: {describe(cause)}. "
                "Let it own the database, or GRANT CREATE ON DATABASE to it; who made the schemas must migrate them."
            ) from error
        if isinstance(cause, CONNECTION_ERRORS):
            raise Unavailable(f"the database cannot be reached: {describe(cause)}") from error
        raise


def _execute_script(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Lets migrations execute several statements at once, which a prepared statement cannot hold."""
    if parameters or ";" not in statement.strip().rstrip(";"):
        return False
    cursor.execute("SET LOCAL client_min_messages TO warning")  # opens the transaction, which is opened lazily
    context.root_connection.connection.run_async(lambda driver: driver.execute(statement))
    return True


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
