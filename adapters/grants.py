"""What the program's role may do with what migrations made."""

# What migrations make belongs to the login; the program works as another role. The log keeps its own, narrower grants.
GRANTS = """
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
