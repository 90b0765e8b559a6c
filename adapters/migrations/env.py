"""How alembic runs here: on the connection `adapters.database.migrate` hands in, each revision in a transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

# What migrations make belongs to the login; the program works as another role. The log keeps its own, narrower grants.
_GRANTS = """
DO $$
DECLARE
    schema_name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vaultra_app') THEN
        RETURN;
    END IF;
    -- A login that may make roles, as those of hosted databases, is not yet one that may work as what it made.
    IF NOT pg_has_role(current_user, 'vaultra_app', CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
        BEGIN
            GRANT vaultra_app TO CURRENT_USER;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
    -- The role may be younger than the log.
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'log' AND pg_has_role(nspowner, 'USAGE')) THEN
        GRANT USAGE ON SCHEMA log TO vaultra_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA log TO vaultra_app;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA log TO vaultra_app;
    END IF;
    -- Builds of projections are schemas of their own. Said at each start: a database copied or restored forgets it.
    EXECUTE format('GRANT CREATE ON DATABASE %I TO vaultra_app', current_database());
    FOR schema_name IN
        SELECT nspname FROM pg_namespace
        WHERE nspname NOT IN ('log', 'information_schema', 'public') AND nspname NOT LIKE 'pg\\_%'
          AND pg_has_role(nspowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT ALL ON SCHEMA %I TO vaultra_app', schema_name);
        EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO vaultra_app', schema_name);
        EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO vaultra_app', schema_name);
        EXECUTE format('GRANT ALL ON ALL ROUTINES IN SCHEMA %I TO vaultra_app', schema_name);
    END LOOP;
END
$$
"""


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
    connection.exec_driver_sql(_GRANTS)
    connection.commit()


run(context.config.attributes["connection"])
