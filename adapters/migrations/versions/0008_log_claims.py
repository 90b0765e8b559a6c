"""Claims of ids for a log that cannot refuse a second record itself (Kafka). See docs/adr/0008.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None

# One row an id and topic for ever, so a row is small and its second write (where the record stands) stays in place.
_TABLES = """
CREATE TABLE log.kafka_logs (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text COLLATE "C" NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    UNIQUE (cluster, prefix)
);
COMMENT ON TABLE log.kafka_logs IS 'Logs on Kafka clusters that this database keeps claims for.';

CREATE TABLE log.claims (
    "offset" bigint,
    floor bigint NOT NULL,
    owner bigint NOT NULL,
    log integer NOT NULL,
    partition integer NOT NULL,
    topic text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    PRIMARY KEY (id, tenant, topic, log)
) WITH (fillfactor = 80);
COMMENT ON TABLE log.claims IS
    'Who appends an id to Kafka (owner), at or after which offset (floor), and where it stands (offset) once known.';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'vaultra_app') THEN
        GRANT SELECT, INSERT ON log.kafka_logs TO vaultra_app;
        GRANT SELECT, INSERT, UPDATE ON log.claims TO vaultra_app;
    END IF;
END
$$;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_TABLES)


def downgrade() -> None:
    raise NotImplementedError("claims are never dropped: without them an id could be appended twice")
