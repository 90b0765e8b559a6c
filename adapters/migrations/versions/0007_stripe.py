"""Connected Stripe accounts, how far their imports are, and which OAuth states were used. No secrets stand here.

Revision ID: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE vaultra.stripe_accounts (
    tenant text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    livemode boolean NOT NULL,
    scope text NOT NULL,
    connected_at timestamptz NOT NULL,
    disconnected_at timestamptz,
    PRIMARY KEY (tenant, account)
);

-- One row a list that an import reads: the id it read last, or that it is done. `account` is '' for the platform.
CREATE TABLE vaultra.stripe_imports (
    tenant text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    run bigint NOT NULL,
    after text COLLATE "C",
    objects bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false,
    note text,
    PRIMARY KEY (tenant, account, path)
);

CREATE TABLE vaultra.stripe_used_states (
    nonce text COLLATE "C" PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_TABLES)


def downgrade() -> None:
    for table in ("stripe_accounts", "stripe_imports", "stripe_used_states"):
        op.execute(f"DROP TABLE vaultra.{table}")
