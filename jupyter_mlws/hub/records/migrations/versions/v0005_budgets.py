"""Limits, and usage that is counted by seconds, month and group."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

USAGE = sa.table(
    "usage",
    sa.column("id", sa.String),
    sa.column("started_at", sa.DateTime(timezone=True)),
    sa.column("ended_at", sa.DateTime(timezone=True)),
    sa.column("month", sa.String),
    sa.column("seconds", sa.Float),
)


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("limits", sa.JSON, nullable=False),
    )
    with op.batch_alter_table("usage") as table:
        table.add_column(sa.Column("month", sa.String(7), nullable=False, server_default=""))
        table.add_column(sa.Column("groups", sa.Text, nullable=False, server_default="[]"))
        table.add_column(sa.Column("docker", sa.String(100), nullable=False, server_default=""))
        table.add_column(sa.Column("seconds", sa.Float, nullable=False, server_default="0"))
        table.add_column(sa.Column("clock", sa.Float, nullable=False, server_default="0"))
        table.add_column(sa.Column("boot", sa.String(40), nullable=False, server_default=""))
        table.add_column(sa.Column("counted_at", sa.DateTime(timezone=True)))
        table.create_index("ix_usage_month", ["month"])
    with op.batch_alter_table("containers") as table:
        table.add_column(sa.Column("stop_at", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("turn_as", sa.String(255)))
    connection = op.get_bind()
    for row in connection.execute(sa.select(USAGE)).all():
        ended = row.ended_at or row.started_at
        connection.execute(
            sa.update(USAGE)
            .where(USAGE.c.id == row.id)
            .values(
                month=f"{row.started_at:%Y-%m}",
                seconds=(ended - row.started_at).total_seconds(),
            )
        )
