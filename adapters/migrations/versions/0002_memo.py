"""The memo of model calls.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The body is bytes: a model may answer with characters that PostgreSQL's text refuses.
_STATEMENTS = (
    """
    CREATE TABLE vaultra.model_memo (
        tenant text COLLATE "C" NOT NULL,
        key bytea NOT NULL,
        model text NOT NULL,
        body bytea NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        seconds double precision NOT NULL,
        delivery text NOT NULL,
        created timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, key)
    )
    """,
    "COMMENT ON TABLE vaultra.model_memo IS 'Answers of models by the hash of the call: none is paid for twice.'",
    "COMMENT ON COLUMN vaultra.model_memo.delivery IS 'Position of the delivery that paid, topic/partition/offset'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE vaultra.model_memo")
