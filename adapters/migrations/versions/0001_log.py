"""The log: topics, partitions, events and the positions of consumer groups; append-only by privilege and trigger.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE SCHEMA log;
COMMENT ON SCHEMA log IS 'Append-only event log. Written through log.append alone.';

CREATE TABLE log.topics (
    topic text COLLATE "C" PRIMARY KEY,
    partitions integer NOT NULL CHECK (partitions > 0)
);

-- The row of a partition is locked while it is appended to, so commit order is offset order. Room for HOT updates.
CREATE TABLE log.partitions (
    topic text COLLATE "C" NOT NULL REFERENCES log.topics,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    appended_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- attributes and extra are JSON objects of strings, kept as text: the log never looks into them.
CREATE TABLE log.events (
    "offset" bigint NOT NULL,
    appended_at timestamptz NOT NULL,
    partition integer NOT NULL,
    topic text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    attributes text COLLATE "C" NOT NULL,
    extra text COLLATE "C",
    value bytea,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE UNIQUE INDEX events_once ON log.events (id, tenant, topic);

CREATE TABLE log.positions (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
"""

_IMMUTABLE = """
CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on log.events is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON log.events
    FOR EACH ROW EXECUTE FUNCTION log.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
"""

_DECLARE = """
CREATE FUNCTION log.declare(topics text[], counts integer[])
    RETURNS TABLE (topic text, declared integer, standing integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO log.topics (topic, partitions)
        SELECT t, n FROM unnest(topics, counts) AS w (t, n) ORDER BY t
        ON CONFLICT DO NOTHING;
    INSERT INTO log.partitions (topic, partition)
        SELECT w.t, p FROM unnest(topics, counts) AS w (t, n) JOIN log.topics s ON s.topic = w.t,
            generate_series(0, s.partitions - 1) AS p
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT w.t, w.n, s.partitions FROM unnest(topics, counts) AS w (t, n) JOIN log.topics s ON s.topic = w.t
        WHERE s.partitions <> w.n;
END
$$;
"""

# One call appends a group of messages: one round trip, one commit. The caller sorts the partitions, so two callers
# lock them in the same order, and leaves out what is twice in its own group.
_APPEND = """
CREATE FUNCTION log.append(
    writer text,
    part_topics text[], part_numbers integer[],
    parts integer[], keys text[], tenants text[], ids text[], types text[], attributes text[], extras text[],
    vals bytea[],
    groups text[], group_topics text[], group_partitions integer[], group_offsets bigint[],
    OUT appended_at timestamptz, OUT offsets bigint[], OUT duplicates integer[], OUT duplicate_partitions integer[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    counts integer[];
    nexts bigint[];
    originals bigint[];
    earliest timestamptz;
    stamp timestamptz := clock_timestamp();
    payload text := '';
    part integer;
BEGIN
    IF cardinality(ids) > 0 THEN
        counts := array_fill(0, ARRAY[cardinality(part_topics)]);
        FOREACH part IN ARRAY parts LOOP
            counts[part] := counts[part] + 1;
        END LOOP;
        -- Locks the partitions in the order given, until the commit. Takes an offset for every message.
        WITH moved AS (
            UPDATE log.partitions p
                SET next_offset = p.next_offset + w.n, appended_at = greatest(p.appended_at, stamp)
                FROM unnest(part_topics, part_numbers, counts) WITH ORDINALITY AS w (topic, partition, n, ord)
                WHERE p.topic = w.topic AND p.partition = w.partition
                RETURNING w.ord, p.next_offset - w.n AS first, p.appended_at AS at
        )
        SELECT array_agg(moved.first ORDER BY moved.ord), min(moved.at), max(moved.at)
            INTO nexts, earliest, appended_at FROM moved;
        IF cardinality(nexts) IS DISTINCT FROM cardinality(part_topics) THEN
            RAISE EXCEPTION 'append to a partition that is not declared';
        END IF;

        -- With the locks held: an id another writer has just committed is seen here.
        SELECT array_agg(w.ord), array_agg(e.partition), array_agg(e."offset")
            INTO duplicates, duplicate_partitions, originals
            FROM unnest(parts, tenants, ids) WITH ORDINALITY AS w (part, tenant, id, ord)
            JOIN log.events e ON e.id = w.id AND e.tenant = w.tenant AND e.topic = part_topics[w.part];

        offsets := array_fill(NULL::bigint, ARRAY[cardinality(ids)]);
        FOR i IN 1 .. cardinality(ids) LOOP
            IF duplicates IS NULL OR i <> ALL (duplicates) THEN
                part := parts[i];
                offsets[i] := nexts[part];
                nexts[part] := nexts[part] + 1;
            END IF;
        END LOOP;

        INSERT INTO log.events
                ("offset", appended_at, partition, topic, id, tenant, type, key, attributes, extra, value)
            SELECT w.o, appended_at, part_numbers[w.part], part_topics[w.part], w.id, w.tenant, w.type, w.key,
                w.attributes, w.extra, w.value
            FROM unnest(offsets, parts, ids, tenants, types, keys, attributes, extras, vals)
                AS w (o, part, id, tenant, type, key, attributes, extra, value)
            WHERE w.o IS NOT NULL;

        -- Give back the offsets of duplicates; keep the stamps of all partitions going up if the clock went back.
        IF duplicates IS NOT NULL OR earliest <> appended_at THEN
            UPDATE log.partitions p SET next_offset = nexts[w.ord], appended_at = append.appended_at
                FROM unnest(part_topics, part_numbers) WITH ORDINALITY AS w (topic, partition, ord)
                WHERE p.topic = w.topic AND p.partition = w.partition;
        END IF;

        FOR i IN 1 .. coalesce(cardinality(duplicates), 0) LOOP
            offsets[duplicates[i]] := originals[i];
        END LOOP;
    END IF;

    -- A position never goes back: a late advance of a group that has moved on is without effect.
    IF cardinality(groups) > 0 THEN
        INSERT INTO log.positions AS p (consumer_group, topic, partition, next_offset)
            SELECT g, t, n, o FROM unnest(groups, group_topics, group_partitions, group_offsets) AS w (g, t, n, o)
            ORDER BY 1, 2, 3
            ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = excluded.next_offset
            WHERE p.next_offset < excluded.next_offset;
    END IF;

    -- Every instance that listens holds this lock shared, the caller's own session too, which never conflicts with
    -- itself: to get it means that nobody else listens. One that comes just now waits for this commit, then looks.
    IF cardinality(ids) > 0 AND NOT pg_try_advisory_xact_lock(7809651901825838951) THEN
        -- Too long a list for one notification tells the others to look for themselves.
        IF cardinality(part_topics) <= 100 THEN
            FOR i IN 1 .. cardinality(part_topics) LOOP
                payload := payload || ' ' || part_topics[i] || ':' || part_numbers[i] || ':' || nexts[i];
            END LOOP;
        END IF;
        PERFORM pg_notify('vaultra_log', writer || CASE WHEN length(payload) < 7000 THEN payload ELSE '' END);
    END IF;
END
$$;
"""

# appended_at never goes down along a partition and offsets have no gaps: a binary search needs no further index.
_AT_TIME = """
CREATE FUNCTION log.offset_at(wanted_topic text, wanted_partition integer, since timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    stamp timestamptz;
BEGIN
    SELECT p.next_offset INTO high FROM log.partitions p
        WHERE p.topic = wanted_topic AND p.partition = wanted_partition;
    WHILE low < high LOOP
        middle := (low + high) / 2;
        SELECT e.appended_at INTO STRICT stamp FROM log.events e
            WHERE e.topic = wanted_topic AND e.partition = wanted_partition AND e."offset" = middle;
        IF stamp >= since THEN
            high := middle;
        ELSE
            low := middle + 1;
        END IF;
    END LOOP;
    RETURN high;
END
$$;
"""

# A login that may not make roles works as itself; the triggers hold for it too.
_ROLE = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA log FROM PUBLIC;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vaultra_app') THEN
        BEGIN
            CREATE ROLE vaultra_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'no right to create the role vaultra_app: working as %', current_user;
                RETURN;
        END;
    END IF;
    GRANT USAGE ON SCHEMA log TO vaultra_app;
    GRANT SELECT ON ALL TABLES IN SCHEMA log TO vaultra_app;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA log TO vaultra_app;
    EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO vaultra_app', current_database());
END
$$;
"""


def upgrade() -> None:
    for statements in (_TABLES, _IMMUTABLE, _DECLARE, _APPEND, _AT_TIME, _ROLE):
        op.get_bind().exec_driver_sql(statements)


def downgrade() -> None:
    raise NotImplementedError("the log is never dropped: its events are the only copy")
