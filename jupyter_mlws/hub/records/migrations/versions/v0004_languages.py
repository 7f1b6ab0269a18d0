"""A container has no language: what it says is translated for each reader."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003_team"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("containers") as batch:
        batch.drop_column("language")


def downgrade() -> None:
    with op.batch_alter_table("containers") as batch:
        batch.add_column(sa.Column("language", sa.String(20), nullable=False, server_default="en"))
