"""How alembic runs here: on the connection `adapters.migrating.upgrade` hands in, each revision in a transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from adapters.grants import GRANTS


def run(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS vaultra")
    connection.commit()
    context.configure(
        connection=connection,
        version_table="schema_version",
        version_table_schema="vaultra",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.exec_driver_sql(GRANTS)
    connection.commit()


run(context.config.attributes["connection"])
