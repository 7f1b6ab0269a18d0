"""Projects that people share, and their members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_team"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "team_projects",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(62), nullable=False, unique=True),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "team_members",
        sa.Column(
            "project_id",
            sa.String(40),
            sa.ForeignKey("team_projects.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("team_members")
    op.drop_table("team_projects")
