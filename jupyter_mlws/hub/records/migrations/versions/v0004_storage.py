"""Sizes of volumes, and samples of usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("volumes", sa.Column("size", sa.BigInteger))
    op.add_column("volumes", sa.Column("measured_at", sa.DateTime(timezone=True)))
    op.create_table(
        "usage_samples",
        sa.Column("width", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cpu", sa.Float, nullable=False),
        sa.Column("memory", sa.BigInteger, nullable=False),
        sa.Column("gpu", sa.Float, nullable=False),
        sa.Column("disk", sa.BigInteger),
    )
