"""API keys: who may ask as which tenant. Hashes only; a revoked key stays, so that it is known who it was.

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE vaultra.api_keys (
            id text COLLATE "C" PRIMARY KEY,
            tenant text COLLATE "C" NOT NULL,
            name text NOT NULL,
            secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
            last4 text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE vaultra.api_keys")
