"""Projections: which builds there are, how far each has read, and what each had to skip.

Every build of a projection has tables of its own in a schema of its own; `read` holds views onto the active ones.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA projections",
    "CREATE SCHEMA read",
    "COMMENT ON SCHEMA read IS 'Views onto the active build of every projection: the schema to query.'",
    # A projection has one active build and at most one to go back to. `definition` is a hash of the tables.
    """
    CREATE TABLE projections.builds (
        schema text COLLATE "C" PRIMARY KEY,
        projection text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        build integer NOT NULL,
        definition text NOT NULL,
        status text NOT NULL CHECK (status IN ('building', 'active', 'previous')),
        started_at timestamptz NOT NULL DEFAULT now(),
        switched_at timestamptz,
        UNIQUE (projection, version, build)
    )
    """,
    "CREATE UNIQUE INDEX builds_one_active ON projections.builds (projection) WHERE status = 'active'",
    "CREATE UNIQUE INDEX builds_one_previous ON projections.builds (projection) WHERE status = 'previous'",
    # Moved with every batch: room for updates in place.
    """
    CREATE TABLE projections.checkpoints (
        schema text COLLATE "C" NOT NULL REFERENCES projections.builds ON DELETE CASCADE,
        topic text COLLATE "C" NOT NULL,
        partition integer NOT NULL,
        next_offset bigint NOT NULL CHECK (next_offset >= 0),
        PRIMARY KEY (schema, topic, partition)
    ) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0)
    """,
    """
    CREATE TABLE projections.skips (
        schema text COLLATE "C" NOT NULL REFERENCES projections.builds ON DELETE CASCADE,
        topic text COLLATE "C" NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        appended_at timestamptz NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (schema, topic, partition, "offset")
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("projections are rebuilt, not downgraded")
